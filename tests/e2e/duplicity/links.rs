//! `--copy-links`: what symbolic links lead to is stored in their places.

use tests::Duplicity;

use super::{drop_in, later, with_moo};

/// Links to a file, to directories in the source and outside of it, to other links and to a named pipe.
const LINKS: &str = "mkdir -p src/d/e outside/x && echo out >outside/f && echo deep >outside/x/g &&
    mkfifo outside/pipe && cd src && ln -s ../outside away && ln -s $PWD/../outside/x absolute &&
    ln -s away chain && ln -s d twice && ln -s ../outside/pipe pipe && ln -s ../outside/f one";

#[test]
fn links_are_followed_as_stock_follows_them() {
    let sandbox = drop_in();
    sandbox.sh(LINKS).silent();
    for stock in [Duplicity::old(&sandbox), Duplicity::new(&sandbox)] {
        sandbox.sh("rm -rf ours stocks store archive other ours.store .home/.cache").silent();
        stock.clone().plain().option("--copy-links").full("src").succeeds();
        stock.clone().plain().restore("stocks").succeeds();
        let url = "file://$PWD/ours.store";
        sandbox.sh(&format!("duplicity -v0 --no-encryption -L full src {url}")).silent();
        sandbox.sh(&format!("duplicity -v0 --no-encryption restore {url} ours")).silent();
        let list = "find . -printf '%P %y %m %s\\n' | grep -v ' d ' | sort";
        sandbox.sh(&format!("(cd ours && {list}) >1; (cd stocks && {list}) >2; diff 1 2")).silent();
        sandbox.sh("find ours -type l").stdout_is("");
        let verify = "verify --compare-data --copy-links --no-encryption";
        sandbox
            .sh(&format!("duplicity {verify} {url} src"))
            .succeeds()
            .stdout_has("0 differences found");
        stock
            .store("ours.store")
            .archive("other")
            .plain()
            .option("--copy-links")
            .verify("src")
            .succeeds();
    }
}

#[test]
fn what_a_link_leads_to_is_compared_by_increments_and_is_no_hard_link() {
    let sandbox = drop_in();
    sandbox.sh(LINKS).silent();
    let back_up = "duplicity -v0 --copy-links --skip-if-no-change src file://$PWD/store";
    sandbox.sh("ln outside/f outside/again").silent();
    sandbox.sh(back_up).silent();
    later(&sandbox);
    sandbox.sh(back_up).silent();
    sandbox.sh("ls store | grep -c manifest").stdout_is("1");
    sandbox.sh("echo other >outside/f; rm src/twice; rm outside/x/g").silent();
    sandbox.sh(back_up).silent();
    sandbox.sh("duplicity -v0 restore file://$PWD/store out").silent();
    sandbox.sh("cat out/one out/away/f out/chain/f out/away/again | sort -u").stdout_is("other");
    sandbox.sh("find out -type f -links +1").stdout_is("");
    sandbox.sh("ls -d out/twice out/away/x/g").fails();
    // Without the option, the links themselves are new.
    later(&sandbox);
    sandbox.sh("duplicity -v0 src file://$PWD/store && rm -r out").silent();
    sandbox
        .sh("duplicity -v0 restore file://$PWD/store out && readlink out/away")
        .stdout_is("../outside");
}

#[test]
fn links_without_an_end_and_to_nothing_are_stored_as_links() {
    let mut sandbox = drop_in();
    with_moo(&mut sandbox);
    sandbox
        .sh("cd src && ln -s nothing void && ln -s self self && ln -s a/x wrong && ln -s . here &&
            mkdir -p d/e && ln -s .. d/e/up && ln -s ../../.. d/e/out && ln -s ../.. d/e/top")
        .silent();
    sandbox.sh("mkdir lonely && mv src lonely && ln -s lonely/src src.link").silent();
    sandbox.sh("duplicity -v0 --copy-links lonely/src file://$PWD/store").silent();
    sandbox.sh("duplicity -v0 restore file://$PWD/store out").silent();
    sandbox
        .sh("moo backup --snapshot btrfs --copy-links lonely/src file://$PWD/other")
        .fails_with(2)
        .stderr_has("cannot be used with");
    let links = "cd out && find . -maxdepth 3 -type l -printf '%P %l\\n' | sort | tr '\\n' ';'";
    let expected =
        "d/e/out ../../..;d/e/top ../..;d/e/up ..;here .;self self;void nothing;wrong a/x;";
    sandbox.sh(links).stdout_is(expected);
}
