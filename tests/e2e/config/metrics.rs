//! `moo status --metrics`: what Prometheus is given.

use std::collections::BTreeMap;

use tests::Run;

use super::Person;

/// The values by metric and labels, as Prometheus' own parser for Python reads them. It accepts a metric
/// that is described twice, so that is checked here.
#[track_caller]
fn metrics(person: &Person, run: &Run) -> BTreeMap<String, f64> {
    std::fs::write(person.0.path("metrics"), run.out()).unwrap();
    let parse = "
import sys
from prometheus_client.parser import text_string_to_metric_families as parse
seen = set()
for family in parse(open('metrics').read()):
    assert family.name not in seen and family.type == 'gauge' and family.documentation, family
    seen.add(family.name)
    for sample in family.samples:
        labels = [sample.labels.get(key, '') for key in ('source', 'store')]
        print(sample.name, *labels, sample.value, sep='/')
";
    std::fs::write(person.0.path("parse.py"), parse).unwrap();
    let parsed = person.0.sh("/usr/bin/python3 parse.py").succeeds().out();
    let value = |line: &str| {
        let (name, value) = line.rsplit_once('/').unwrap();
        (name.to_owned(), value.parse().unwrap())
    };
    parsed.lines().map(value).collect()
}

#[test]
fn prometheus_reads_the_metrics_of_one_store_and_of_all_as_one_text() {
    let person = Person::new();
    person.sh("moo backup && sleep 1.1 && moo backup etc disk").silent();
    let run = person.sh("moo status --metrics").succeeds();
    let all = metrics(&person, &run);
    assert_eq!(all.len(), 3 * 8, "{all:?}");
    let of = |name: &str, place: &str| all[&format!("moobacker_{name}/{place}")];
    assert_eq!(of("sets", "etc/disk"), 2.0);
    assert_eq!(of("newest_chain_sets", "etc/disk"), 2.0);
    assert_eq!(of("sets", "etc/second"), 1.0);
    let size = person.sh("cat disk/etc/* | wc -c").out().trim().parse::<f64>().unwrap();
    assert_eq!(of("store_size_bytes", "etc/disk"), size);
    let age = of("newest_good_set_age_seconds", "home/disk");
    assert!((1.0..3600.0).contains(&age), "{age}");
    assert!(of("newest_good_set_timestamp_seconds", "home/disk") > 1.7e9);
    assert_eq!((of("errors", "etc/disk"), of("status_exit_code", "etc/disk")), (0.0, 0.0));

    // One that is lost, one that is damaged, and one that is good.
    person.sh("rm -r second; rm disk/etc/*.vol1.*").silent();
    let run = person.sh("moo status --metrics").fails();
    let all = metrics(&person, &run);
    let of = |name: &str, place: &str| all.get(&format!("moobacker_{name}/{place}")).copied();
    assert_eq!(of("status_exit_code", "etc/disk"), Some(5.0));
    assert_eq!(of("errors", "etc/disk"), Some(2.0));
    assert!(of("status_exit_code", "etc/second").is_some_and(|status| status > 0.0));
    assert_eq!(of("sets", "etc/second"), None);
    assert_eq!(of("status_exit_code", "home/disk"), Some(0.0));

    // One of the configuration, and a URL, for which only a caller knows names.
    let run = person.sh("moo status --metrics home").succeeds();
    assert_eq!(metrics(&person, &run)["moobacker_sets/home/disk"], 1.0);
    let run = person.sh("moo status --metrics --label-store a/b file://$PWD/disk/home").succeeds();
    assert_eq!(metrics(&person, &run)["moobacker_sets//a/b"], 1.0);
    let run = person.sh("moo status --metrics --max-age 1s file://$PWD/disk/home").fails_with(3);
    assert_eq!(metrics(&person, &run)["moobacker_status_exit_code//"], 3.0);
    person.sh("moo status --metrics --json file://$PWD/disk/home").fails_with(2).one_message();
}
