//! The events of GitLab.

use serde_json::Value;

use super::github::commit_lines;
use super::words::{at, deep, first, get, list};

/// Returns the lines of an event; empty for another shape.
pub(super) fn lines(event: &Value) -> Vec<String> {
    let Some(kind) = first(event, &["object_kind", "event_type"]).filter(|_| is_event(event)) else {
        return Vec::new();
    };
    let place = deep(event, &["project", "path_with_namespace"])
        .or_else(|| deep(event, &["project", "name"]))
        .or_else(|| deep(event, &["repository", "name"]))
        .or_else(|| get(event, "project_name"));
    let who = get(event, "user_name")
        .or_else(|| deep(event, &["user", "name"]))
        .or_else(|| get(event, "user_username"));
    let head: Vec<String> = [place.map(|place| format!("[{place}]")), who].into_iter().flatten().collect();
    let (act, rest) = match kind.as_str() {
        "push" | "tag_push" => pushed(event),
        "build" | "job" => job(event),
        _ => about(event, &kind.replace('_', " ")),
    };
    let mut lines = vec![format!("{} {act}", head.join(" ")).trim().to_owned()];
    lines.extend(rest);
    lines
}

fn is_event(event: &Value) -> bool {
    ["project", "repository", "object_attributes", "user_name", "project_name"]
        .iter()
        .any(|key| event.get(key).is_some())
}

fn pushed(event: &Value) -> (String, Vec<String>) {
    let name = get(event, "ref").unwrap_or_default();
    let name = name.trim_start_matches("refs/heads/").trim_start_matches("refs/");
    let gone = get(event, "after").is_some_and(|after| after.bytes().all(|byte| byte == b'0'));
    let commits = list(event, "commits");
    let count = get(event, "total_commits_count").unwrap_or(commits.len().to_string());
    let act = match count.as_str() {
        _ if gone => format!("deleted {name}"),
        "0" => format!("pushed {name}"),
        "1" => format!("pushed 1 commit to {name}"),
        count => format!("pushed {count} commits to {name}"),
    };
    let mut lines = commit_lines(event, commits);
    lines.extend(deep(event, &["project", "web_url"]).filter(|_| !gone));
    (act, lines)
}

fn job(event: &Value) -> (String, Vec<String>) {
    let name = get(event, "build_name").unwrap_or_default();
    let status = get(event, "build_status").unwrap_or_default();
    let stage = first(event, &["build_stage"]).map(|stage| format!("stage {stage}"));
    let on = get(event, "ref").map(|name| format!("on {name}"));
    let lines = [stage, on, get(event, "build_failure_reason").filter(|why| why != "unknown_failure")];
    (format!("job {name}: {status}"), lines.into_iter().flatten().collect())
}

/// An issue, a merge request, a note, a pipeline, a release, a page, a deployment.
fn about(event: &Value, noun: &str) -> (String, Vec<String>) {
    // A release and a deployment stand at the top themselves.
    let subject = event.get("object_attributes").unwrap_or(event);
    let id = first(subject, &["iid"]).or_else(|| get(subject, "id").filter(|_| noun == "pipeline"));
    let id = id.map(|id| format!("#{id}"));
    let name = first(subject, &["title", "name", "tag", "environment"]);
    let called: Vec<String> = [id, name].into_iter().flatten().collect();
    let act = get(subject, "action").unwrap_or_default();
    let words = [act, noun.to_owned(), called.join(": ")].into_iter().filter(|word| !word.is_empty());
    let mut act = words.collect::<Vec<_>>().join(" ");
    if let Some(status) = first(subject, &["detailed_status", "status"]) {
        act = format!("{act}: {status}");
    }
    if noun == "note" {
        let on = ["merge_request", "issue", "snippet", "commit"].iter().find(|key| event.get(key).is_some());
        if let Some(on) = on {
            let of = at(event, &[on]);
            let name = first(of, &["title", "message"]).unwrap_or_default();
            let id = get(of, "iid").map(|id| format!(" #{id}:")).unwrap_or_default();
            act =
                format!("{act} on {}{id} {}", on.replace('_', " "), name.lines().next().unwrap_or_default());
        }
    }
    let branches = match (get(subject, "source_branch"), get(subject, "target_branch")) {
        (Some(from), Some(to)) => Some(format!("{from} → {to}")),
        _ => get(subject, "ref").map(|name| format!("on {name}")),
    };
    let text = first(subject, &["note", "description", "content", "message"]);
    let failed =
        list(event, "builds").iter().filter(|build| get(build, "status").as_deref() == Some("failed"));
    let failed = failed.filter_map(|build| Some(format!("failed: {}", get(build, "name")?)));
    let url = first(subject, &["url", "deployable_url"]).or_else(|| deep(event, &["project", "web_url"]));
    let lines = branches.into_iter().chain(text).chain(failed).chain(url);
    (act.trim().to_owned(), lines.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_show_actor_action_and_subject() {
        for (sent, says) in [
            (
                json!({"object_kind": "push", "ref": "refs/heads/main", "user_name": "Kim", "total_commits_count": 1, "after": "01",
                    "commits": [{"id": "0123456789", "message": "Fix\n", "author": {"name": "Kim"}}],
                    "project": {"path_with_namespace": "g/app", "web_url": "https://l.example/g/app"}}),
                "[g/app] Kim pushed 1 commit to main\n0123456 Fix (Kim)\nhttps://l.example/g/app",
            ),
            (
                json!({"object_kind": "merge_request", "user": {"name": "Kim"}, "project": {"path_with_namespace": "g/app"},
                    "object_attributes": {"iid": 7, "title": "Mend", "action": "open", "source_branch": "fix", "target_branch": "main",
                    "description": "why", "url": "https://l.example/7"}}),
                "[g/app] Kim open merge request #7: Mend\nfix → main\nwhy\nhttps://l.example/7",
            ),
            (
                json!({"object_kind": "pipeline", "user": {"name": "Kim"}, "project": {"path_with_namespace": "g/app", "web_url": "u"},
                    "object_attributes": {"id": 31, "ref": "main", "status": "failed"}, "builds": [{"name": "test", "status": "failed"}, null]}),
                "[g/app] Kim pipeline #31: failed\non main\nfailed: test\nu",
            ),
            (
                json!({"object_kind": "note", "user": {"name": "Kim"}, "project": {"name": "App"},
                    "object_attributes": {"note": "me too", "url": "u"}, "issue": {"iid": 7, "title": "Crash"}}),
                "[App] Kim note on issue #7: Crash\nme too\nu",
            ),
            (
                json!({"object_kind": "build", "user": {"name": "Kim"}, "project_name": "g / app", "build_name": "test", "build_stage": "check",
                    "build_status": "failed", "ref": "main"}),
                "[g / app] Kim job test: failed\nstage check\non main",
            ),
            (
                json!({"object_kind": "release", "name": "One", "tag": "v1", "action": "create", "description": "notes", "url": "u",
                    "project": {"path_with_namespace": "g/app"}}),
                "[g/app] create release One\nnotes\nu",
            ),
        ] {
            assert_eq!(lines(&sent).join("\n"), says, "{sent}");
        }
        assert!(lines(&json!({"object_kind": "push"})).is_empty());
    }
}
