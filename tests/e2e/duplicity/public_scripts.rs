//! The calls of public roles and scripts, word for word but for paths, hosts and credentials; and what
//! they read of the output, read in their way.

use tests::Sandbox;

use super::{drop_in, later};

/// tschifftner/ansible-role-duplicity: the jobs of its README. `source` is a file of variables there.
#[test]
fn the_cron_jobs_of_an_ansible_role_run_with_an_option_that_duplicity_has_no_more() {
    let sandbox = drop_in();
    sandbox.sh("mkdir -p www/site other www/skipped && echo 1 >www/site/a && echo 2 >other/b && touch www/skipped/.duplicity-ignore").silent();
    let conf = "FTP_SERVER=file://$PWD/store
        DEFAULT_PARAMS='--verbosity info --exclude-device-files --exclude-other-filesystems --exclude-if-present .duplicity-ignore'";
    let backup = format!(
        "{conf}; duplicity $DEFAULT_PARAMS --include $PWD/www --full-if-older-than 1M --exclude '**' / $FTP_SERVER"
    );
    sandbox.sh(&backup).succeeds().stdout_has("NewFiles ");
    later(&sandbox);
    sandbox.sh(&format!("echo 3 >www/site/c; {backup}")).succeeds();
    let clean = format!(
        "{conf}; duplicity remove-older-than 2M --force --extra-clean $FTP_SERVER; duplicity cleanup --force $FTP_SERVER"
    );
    sandbox.sh(&clean).succeeds().stdout_has("No old backup sets found, nothing deleted.");
    sandbox
        .sh("duplicity -v0 file://$PWD/store out && diff -r www/site out/$PWD/www/site")
        .silent();
    sandbox.sh("ls out/$PWD; ls out/$PWD/www").stdout_is("www\nsite");
}

/// datacentred/puppet-duplicity: the script of its template.
#[test]
fn the_script_of_a_puppet_module_runs_with_pipefail() {
    let sandbox = drop_in();
    sandbox.sh("mkdir data && echo 1 >data/a").silent();
    let script = "set -e
        set -o pipefail
        duplicity --full-if-older-than 6M --s3-use-new-style --no-encryption --include \"$PWD/data\" --exclude '**' \
            --archive-dir $PWD/cache / file://$PWD/store
        duplicity remove-older-than 12M --s3-use-new-style --no-encryption --force file://$PWD/store";
    for _ in 0..2 {
        sandbox.sh(&format!("cat >job <<'END'\n{script}\nEND\nbash job")).succeeds();
        later(&sandbox);
    }
    sandbox.sh("ls cache | wc -l; ls store | grep -c manifest").stdout_is("1\n2");
}

/// What Tomcuzz/Duplicity-With-Prometheus-Metrics reads of a backup: the words of the lines between two rules.
const METRICS: &str = r#"
import sys
found, reached = {}, False
for line in sys.stdin:
    if reached and line.startswith("-" * 49):
        found["getSuccess"] = True
    elif reached:
        words = line.split(" ")
        if len(words) > 1:
            found[words[0]] = words[1]
    elif line.startswith("--------------[ Backup Statistics ]--------------"):
        reached = True
int(float(found["StartTime"])), int(float(found["ElapsedTime"]))
names = "Errors NewFiles DeletedFiles ChangedFiles DeltaEntries RawDeltaSize ChangedFileSize SourceFileSize"
numbers = [int(found[name]) for name in (names + " TotalDestinationSizeChange").split()]
print(found["getSuccess"], *numbers[:4], min(numbers[5:]) >= 0)
"#;

#[test]
fn a_service_with_metrics_reads_its_statistics_and_restores_its_test_file() {
    let sandbox = drop_in();
    sandbox
        .sh("mkdir -p backup/data/lost+found && date >backup/data/date && echo x >backup/data/x")
        .silent();
    std::fs::write(sandbox.path("metrics.py"), METRICS).unwrap();
    let backup = "duplicity --allow-source-mismatch --full-if-older-than=1M --verbosity=notice \
        --exclude=$PWD/backup/data/lost+found $PWD/backup file://$PWD/store | python3 metrics.py";
    sandbox.sh(backup).stdout_is("True 0 4 0 0 True");
    later(&sandbox);
    sandbox
        .sh(&format!("date -R >backup/data/date; rm backup/data/x; {backup}"))
        .stdout_is("True 0 0 1 2 True");
    let status = "duplicity collection-status --allow-source-mismatch --force --verbosity=notice file://$PWD/store";
    sandbox.sh(&format!("{status} | grep -cE '^ *(Full|Incremental)   '")).stdout_is("2");
    let test = "duplicity --allow-source-mismatch --force --file-to-restore=data/date --verbosity=notice \
        file://$PWD/store $PWD/restored";
    sandbox
        .sh(&format!("echo old >restored; {test} >/dev/null && cmp restored backup/data/date"))
        .silent();
    let restore = "duplicity restore --allow-source-mismatch --force --file-to-restore=data --verbosity=notice \
        --restore-time=now file://$PWD/store $PWD/backup/data";
    sandbox
        .sh(&format!("rm backup/data/date; {restore} >/dev/null; ls backup/data"))
        .stdout_is("date\nlost+found");
    for action in ["cleanup", "remove-all-but-n-full 1"] {
        let call = format!(
            "duplicity {action} --allow-source-mismatch --force --verbosity=notice file://$PWD/store"
        );
        sandbox.sh(&call).succeeds();
    }
}

/// The checks of reactorcoremeltdown/dustbag and of doktoil-makresh/xymon-plugins read dates for `date`.
fn monitored(sandbox: &Sandbox) -> (String, String) {
    let age = "backup_date=`duplicity collection-status file://$PWD/store | grep 'Last full backup date' | cut -f 2- -d ':'`
        echo $((`date +%s` - `date --date=\"${backup_date}\" +%s`))";
    let day = "duplicity collection-status file://$PWD/store 2>/dev/null | grep -E '^Chain end time:' | tail -n 1 | \
        awk '{print $4,$5,$6}'";
    let run = |script: &str| sandbox.sh(script).succeeds().out().trim().to_owned();
    (run(age), run(day))
}

#[test]
fn checks_of_monitoring_read_the_dates_of_collection_status() {
    let sandbox = drop_in();
    sandbox.sh("duplicity -v0 src file://$PWD/store").silent();
    let (age, day) = monitored(&sandbox);
    assert!(age.parse::<u64>().unwrap() < 120, "{age}");
    let today = sandbox.sh("LC_ALL=C date +%c | awk '{print $1,$2,$3}'").succeeds().out();
    assert_eq!(day, today.trim());
}
