//! Connection strings of rclone: `REMOTE,NAME=VALUE,NAME="VALUE":PATH`.

/// Parts of the names of options whose values are secrets.
const SECRET: [&str; 7] = ["pass", "secret", "token", "key", "auth", "cookie", "credential"];

/// A text in which `***` stands for each secret value.
pub(crate) fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(',') {
        shown.push_str(before);
        shown.push(',');
        rest = after;
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        let end = after.find(|letter| !is_name(letter)).unwrap_or(after.len());
        let (name, value) = after.split_at(end);
        let lower = name.to_ascii_lowercase();
        if let Some(value) = value.strip_prefix('=')
            && SECRET.iter().any(|part| lower.contains(part))
        {
            shown.push_str(name);
            shown.push_str("=***");
            rest = &value[length(value)..];
        }
    }
    shown + rest
}

/// The length of a value: up to a comma or a colon, which may stand between quotes. Two quotes are one there.
fn length(value: &str) -> usize {
    let unquoted = |text: &str| text.find([',', ':']).unwrap_or(text.len());
    let Some(quote) = value.chars().next().filter(|first| "'\"".contains(*first)) else {
        return unquoted(value);
    };
    let mut at = 1;
    while let Some(end) = value[at..].find(quote) {
        at += end + 1;
        if !value[at..].starts_with(quote) {
            return at + unquoted(&value[at..]);
        }
        at += 1;
    }
    value.len()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn secrets_of_connection_strings_are_masked_and_other_values_are_not() {
        for (text, expected) in [
            ("rclone:cloud,pass=s3cr:a/b: gone", "rclone:cloud,pass=***:a/b: gone"),
            (":sftp,host=x,pass='a:b,''c',user=me:/x", ":sftp,host=x,pass=***,user=me:/x"),
            ("s3,secret_access_key=\"k\"\"x\",region=eu:b", "s3,secret_access_key=***,region=eu:b"),
            ("x,token='open", "x,token=***"),
            ("x,pass=''\"", "x,pass=***"),
            ("x,pass=***:", "x,pass=***:"),
            ("a, b=c, and d,e", "a, b=c, and d,e"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}
