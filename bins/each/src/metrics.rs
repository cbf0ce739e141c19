//! The metrics of several stores as one text: Prometheus wants all samples of a metric together, below one
//! description.

/// The metrics of several runs of `moo status --metrics`.
#[derive(Debug, Default)]
pub(crate) struct Metrics(Vec<Metric>);

#[derive(Debug, Default)]
struct Metric {
    name: String,
    /// The lines of its description.
    description: Vec<String>,
    samples: Vec<String>,
}

impl Metrics {
    /// Adds the output of one run.
    pub(crate) fn add(&mut self, text: &str) {
        let mut description = Vec::new();
        for line in text.lines() {
            if line.starts_with('#') {
                description.push(line.to_owned());
                continue;
            }
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            let description = std::mem::take(&mut description);
            match self.0.iter_mut().find(|metric| metric.name == name) {
                Some(metric) => metric.samples.push(line.to_owned()),
                None => self.0.push(Metric {
                    name: name.to_owned(),
                    description,
                    samples: vec![line.to_owned()],
                }),
            }
        }
    }

    /// All of it, in lines.
    pub(crate) fn text(&self) -> String {
        let lines =
            self.0.iter().flat_map(|metric| metric.description.iter().chain(&metric.samples));
        lines.map(|line| format!("{line}\n")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_of_a_metric_stand_together_below_one_description() {
        let mut metrics = Metrics::default();
        metrics.add("# HELP a A.\n# TYPE a gauge\na{s=\"1\"} 1\n# HELP b B.\nb{s=\"1\"} 2\n");
        metrics.add("# HELP b B.\nb{s=\"2\"} 3\n");
        let text =
            "# HELP a A.\n# TYPE a gauge\na{s=\"1\"} 1\n# HELP b B.\nb{s=\"1\"} 2\nb{s=\"2\"} 3\n";
        assert_eq!(metrics.text(), text);
    }
}
