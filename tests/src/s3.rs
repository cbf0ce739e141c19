//! A server of S3's interface on loopback, which keeps all in memory.

use std::env;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::sandbox::workspace;

/// How long the server may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that runs until it is dropped: moto, which `MOO_S3_SERVER` names, else the one that
/// `tests/run` has installed.
pub struct S3 {
    child: Child,
    port: u16,
}

impl S3 {
    /// Starts it.
    pub fn start() -> S3 {
        let installed = workspace().join("target/peers/moto/bin/moto_server");
        let program = env::var("MOO_S3_SERVER").map_or(installed, Into::into);
        assert!(program.exists(), "{} is missing: tests/run installs it", program.display());
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        // It dies with the test, however that ends.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program).args(["-H", "127.0.0.1", "-p"]);
        command.arg(port.to_string()).env_clear().env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = S3 { child: command.spawn().unwrap(), port };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < PATIENCE, "moto does not listen");
            sleep(Duration::from_millis(50));
        }
        server
    }

    /// A remote for rclone, with that path behind it.
    pub fn remote(&self, path: &str) -> String {
        let keys = "access_key_id=moo,secret_access_key=moo,region=us-east-1";
        format!(":s3,provider=Other,endpoint=\"http://127.0.0.1:{}\",{keys}:{path}", self.port)
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
