//! `moobacker-duplicity`: the command line of duplicity, done by the commands of moo.

fn main() -> std::process::ExitCode {
    duplicity::main()
}
