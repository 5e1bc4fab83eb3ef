//! No webhook reaches into the network that the server stands in, however its address is written.

use crate::harness::{Api, Certificate, Receiver, Server, until};
use crate::webhooks::webhook;

#[tokio::test]
async fn private_address_is_refused_in_every_spelling() {
    let server = Server::with(&["--post-rate", "0", "--webhook-allow", "allowed.example"]);
    let mut receiver = Receiver::willing().await;
    let port = receiver.addr.port();
    let hosts = [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.1",
        "0x7f.0.0.1",
        "2130706433",
        "0177.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "127.0.0.1%2f",
        "１２７.0.0.1",
    ];
    let mut count = 0;
    for host in hosts {
        let url = format!("http://{host}:{port}/");
        let words = ["webhook", "outgoing", "--room", "lobby", "--name", "Probe", "--url", &url];
        // Text that is no address at all is refused at once.
        count += usize::from(crate::harness::order(&server.data(), &words).await.done);
    }
    assert!(count >= hosts.len() - 2, "{count}");
    Api::new(&server, "Robo", &[]).await.say("probe").await;
    until("each to be refused", async || {
        let log = server.log();
        log.matches("a webhook does not arrive").count() >= count
    })
    .await;
    assert!(receiver.is_silent());
    let log = server.log();
    let refused = log.matches("its host is not in the public Internet").count();
    // A name that this machine's resolver does not know is unknown, which is as good.
    assert!(refused + log.matches("its host is unknown").count() >= count, "{log}");
    assert!(!log.contains("does not answer") && refused + 3 >= count, "{log}");
}

#[tokio::test]
async fn only_allowed_hosts_may_be_private() {
    let server = Server::with(&["--webhook-allow", "LocalHost"]);
    let mut receiver = Receiver::willing().await;
    let port = receiver.addr.port();
    webhook(&server, "Address", &format!("http://127.0.0.1:{port}/address")).await;
    webhook(&server, "Name", &format!("http://localhost:{port}/name")).await;
    let robo = Api::new(&server, "Robo", &[]).await;
    robo.say("one").await;
    assert!(receiver.next().await.head.starts_with("POST /name "));
    until("the other's refusal", async || server.told("its host is not in the public Internet") > 0).await;
    robo.say("two").await;
    assert!(receiver.next().await.head.starts_with("POST /name "));
    assert!(receiver.is_silent());
}

#[tokio::test]
async fn https_needs_a_certificate_the_system_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let [trusted, stranger] = [Certificate::new(), Certificate::new()];
    trusted.write(folder.path());
    let file = folder.path().join("certificate.pem");
    let server = Server::trusting(&file, &["--webhook-allow", "127.0.0.1"]);
    let mut friend = Receiver::secure(trusted).await;
    let mut impostor = Receiver::secure(stranger).await;
    webhook(&server, "Friend", &format!("https://{}/", friend.addr)).await;
    webhook(&server, "Impostor", &format!("https://{}/", impostor.addr)).await;
    let seq = Api::new(&server, "Robo", &[]).await.say("secret").await;
    assert_eq!(friend.next().await.seq(), seq);
    until("a refusal", async || server.told("its certificate or its TLS is not good") > 0).await;
    assert!(impostor.is_silent(), "nothing was told before the certificate was looked at");
}
