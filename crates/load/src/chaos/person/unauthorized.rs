//! A client that knows other people's session tokens, and tries every protocol with them; no attempt may succeed.

use std::time::Duration;

use hyper::Method;
use tokio::time::sleep;

use super::World;
use crate::chaos::checker::Broken;
use crate::chaos::http;
use crate::chaos::route::{Route, login_of};

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// A frame that would be seen: it posts.
const LOUD: &str =
    r#"[{"t":"post","room":"lobby","cmid":"ffffffffffffffffffffffffffffffff","body":"by an intruder"}]"#;

/// Tries for ever, with a login of its own and without any.
pub async fn intruder(number: usize, world: World, mut rng: fastrand::Rng) {
    let mut route = Route { client: number, address: world.address, login: None };
    loop {
        sleep(PAUSE).await;
        if route.login.is_none() {
            let page = http::fetch(&route, Method::GET, "/r/lobby", &[], String::new()).await;
            route.login = page.ok().and_then(|(_, headers, _)| login_of(&headers));
        }
        let Some(session) = rng.choice(world.sessions.borrow().iter()).cloned() else { continue };
        let (method, path, body) = match rng.u32(0..3) {
            0 => (Method::GET, format!("/rt/{session}/poll?ack=0"), ""),
            1 => (Method::GET, format!("/rt/{session}/events"), ""),
            _ => (Method::POST, format!("/rt/{session}"), LOUD),
        };
        let mut as_whom = route.clone();
        as_whom.login = route.login.clone().filter(|_| rng.bool());
        // Only the head: a stream that opened would not end.
        let Ok(answer) = http::ask(&as_whom, method.clone(), &path, &[], body.to_owned()).await else {
            continue;
        };
        if answer.status().is_success() {
            world.checker.borrow_mut().verdict.broke(Broken::Outsider, || {
                format!("{method} {path} as {:?} was answered {}", as_whom.login, answer.status())
            });
        }
    }
}
