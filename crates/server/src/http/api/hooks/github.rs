//! The events of GitHub, and of Gitea and Forgejo, which send the same.

use serde_json::Value;

use super::mrkdwn::linked;
use super::words::{at, deep, first, get, list};

/// Commits that one push names.
const COMMITS: usize = 20;

/// Subjects of events, the most special first.
const SUBJECTS: [(&str, &str); 24] = [
    ("review", "review"),
    ("comment", "comment"),
    ("answer", "answer"),
    ("discussion", "discussion"),
    ("pull_request", "pull request"),
    ("issue", "issue"),
    ("release", "release"),
    ("workflow_job", "job"),
    ("workflow_run", "workflow"),
    ("check_run", "check"),
    ("check_suite", "check suite"),
    ("deployment_status", "deployment"),
    ("deployment", "deployment"),
    ("alert", "alert"),
    ("security_advisory", "advisory"),
    ("package", "package"),
    ("registry_package", "package"),
    ("milestone", "milestone"),
    ("label", "label"),
    ("forkee", "fork"),
    ("member", "member"),
    ("team", "team"),
    ("hook", "webhook"),
    ("build", "build"),
];

/// Returns the lines of an event; empty for another shape. `kind` is the header that names the event.
pub(super) fn lines(event: &Value, kind: Option<&str>) -> Vec<String> {
    let place = deep(event, &["repository", "full_name"]).or_else(|| deep(event, &["organization", "login"]));
    let who = ["sender", "pusher", "user"]
        .iter()
        .find_map(|key| first(at(event, &[key]), &["login", "username", "name"]));
    if kind.is_none() && (place.is_none() || who.is_none()) {
        return Vec::new();
    }
    let head: Vec<String> = [place.map(|place| format!("[{place}]")), who].into_iter().flatten().collect();
    let (act, rest) = acted(event, kind);
    let mut lines = vec![format!("{} {act}", head.join(" ")).trim().to_owned()];
    lines.extend(rest);
    lines
}

/// Returns the action, and the lines about it.
fn acted(event: &Value, kind: Option<&str>) -> (String, Vec<String>) {
    if event.get("commits").is_some_and(Value::is_array) && event.get("ref").is_some() {
        return pushed(event);
    }
    if let Some(zen) = get(event, "zen") {
        return ("set up a webhook".into(), vec![zen]);
    }
    if let (Some(state), Some(context)) = (get(event, "state"), get(event, "context")) {
        let words = [get(event, "description"), get(event, "target_url")];
        return (format!("{context}: {state}"), words.into_iter().flatten().collect());
    }
    if let (Some(what), Some(name)) = (get(event, "ref_type"), get(event, "ref")) {
        let verb =
            if event.get("pusher_type").is_some() && kind == Some("delete") { "deleted" } else { "created" };
        let verb =
            if event.get("master_branch").is_none() && kind != Some("create") { "deleted" } else { verb };
        return (format!("{verb} {what} {name}"), Vec::new());
    }
    match SUBJECTS.iter().find(|(key, _)| event.get(key).is_some_and(Value::is_object)) {
        Some((key, noun)) => about(event, key, noun),
        None => {
            let words = [get(event, "action"), kind.map(str::to_owned)];
            let words: Vec<String> = words.into_iter().flatten().collect();
            (
                words.join(" ").replace('_', " "),
                deep(event, &["repository", "html_url"]).into_iter().collect(),
            )
        }
    }
}

fn pushed(event: &Value) -> (String, Vec<String>) {
    let name = get(event, "ref").unwrap_or_default();
    let branch = name.trim_start_matches("refs/heads/").trim_start_matches("refs/");
    let is = |key: &str| event.get(key).and_then(Value::as_bool) == Some(true);
    let commits = list(event, "commits");
    let act = match commits.len() {
        _ if is("deleted") => format!("deleted {branch}"),
        0 if is("created") => format!("created {branch}"),
        count => {
            let verb = if is("forced") { "force-pushed" } else { "pushed" };
            let (count, noun) = (
                get(event, "total_commits").unwrap_or(count.to_string()),
                if count == 1 { "commit" } else { "commits" },
            );
            format!("{verb} {count} {noun} to {branch}")
        }
    };
    (act, commit_lines(event, commits))
}

/// A line for each commit of a push, and where to see them.
pub(super) fn commit_lines(event: &Value, commits: &[Value]) -> Vec<String> {
    let lines = commits.iter().take(COMMITS).map(|commit| {
        let id: String = get(commit, "id").unwrap_or_default().chars().take(7).collect();
        let message = get(commit, "message").unwrap_or_default();
        let first_line = message.trim().lines().next().unwrap_or_default();
        let author = deep(commit, &["author", "name"]).map(|name| format!(" ({name})")).unwrap_or_default();
        format!("{id} {first_line}{author}").trim().to_owned()
    });
    let mut lines: Vec<String> = lines.collect();
    if let Some(more) = commits.len().checked_sub(COMMITS).filter(|more| *more > 0) {
        lines.push(format!("… and {more} more"));
    }
    lines.extend(first(event, &["compare", "compare_url"]).or_else(|| deep(event, &["head_commit", "url"])));
    lines
}

/// Returns the action with its subject, and the lines about it.
fn about(event: &Value, key: &str, noun: &str) -> (String, Vec<String>) {
    let subject = at(event, &[key]);
    let merged = subject.get("merged").and_then(Value::as_bool) == Some(true);
    let act = match get(event, "action").as_deref() {
        Some("closed") if merged => "merged".to_owned(),
        Some(action) => action.replace('_', " "),
        None => String::new(),
    };
    // A run, a check, a deployment: how it went says more than that it was looked at.
    let outcome =
        first(subject, &["conclusion", "state"]).filter(|_| !matches!(key, "pull_request" | "issue"));
    let outcome = outcome.or_else(|| get(subject, "status").filter(|_| key != "package"));
    let act = [act, noun.to_owned(), called(subject)].into_iter().filter(|word| !word.is_empty());
    let mut act = act.collect::<Vec<_>>().join(" ");
    if let Some(outcome) = outcome {
        act = format!("{act}: {}", outcome.replace('_', " "));
    }
    if matches!(key, "review" | "comment" | "answer")
        && let Some((on, noun)) =
            SUBJECTS.iter().skip(3).find(|(key, _)| event.get(key).is_some_and(Value::is_object))
    {
        act = format!("{act} on {noun} {}", called(at(event, &[on])));
    }
    let mut lines = Vec::new();
    lines.extend(first(subject, &["head_branch", "environment"]).map(|branch| format!("on {branch}")));
    let extra = [("assignee", "login"), ("label", "name"), ("requested_reviewer", "login")];
    let extra = extra.iter().filter(|(of, _)| *of != key).filter_map(|(of, name)| deep(event, &[of, name]));
    lines.extend(extra);
    lines.extend(first(subject, &["body", "description", "summary"]));
    lines.extend(first(subject, &["html_url", "target_url", "log_url"]));
    (act.trim().to_owned(), lines)
}

/// `#7: title`, as far as there is such.
fn called(subject: &Value) -> String {
    let number = get(subject, "number").map(|number| format!("#{number}"));
    let name = first(subject, &["title", "name", "full_name", "tag_name", "login", "environment", "context"]);
    let tag = get(subject, "tag_name").filter(|tag| name.as_ref() != Some(tag));
    let parts: Vec<String> = [number, name].into_iter().flatten().collect();
    linked(&parts.join(": "), &tag.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(more: Value, kind: Option<&str>) -> String {
        let mut event = json!({"repository": {"full_name": "kim/app", "html_url": "https://h.example/kim/app"}, "sender": {"login": "kim"}});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        lines(&event, kind).join("\n")
    }

    #[test]
    fn events_show_actor_action_and_subject() {
        for (sent, says) in [
            (
                json!({"ref": "refs/heads/main", "commits": [{"id": "0123456789", "message": "Fix it\n\nlong", "author": {"name": "Kim"}}],
                    "compare": "https://h.example/c"}),
                "[kim/app] kim pushed 1 commit to main\n0123456 Fix it (Kim)\nhttps://h.example/c",
            ),
            (json!({"ref": "refs/heads/x", "deleted": true, "commits": []}), "[kim/app] kim deleted x"),
            (json!({"ref": "refs/tags/v1", "created": true, "commits": []}), "[kim/app] kim created tags/v1"),
            (
                json!({"action": "opened", "issue": {"number": 7, "title": "Crash", "body": "at start", "state": "open",
                    "html_url": "https://h.example/7"}}),
                "[kim/app] kim opened issue #7: Crash\nat start\nhttps://h.example/7",
            ),
            (
                json!({"action": "closed", "pull_request": {"number": 8, "title": "Mend", "merged": true, "html_url": "https://h.example/8"}}),
                "[kim/app] kim merged pull request #8: Mend\nhttps://h.example/8",
            ),
            (
                json!({"action": "created", "comment": {"body": "me too", "html_url": "https://h.example/7#1"}, "issue": {"number": 7, "title": "Crash"}}),
                "[kim/app] kim created comment on issue #7: Crash\nme too\nhttps://h.example/7#1",
            ),
            (
                json!({"action": "submitted", "review": {"state": "changes_requested", "body": "no", "html_url": "u"}, "pull_request": {"number": 8, "title": "Mend"}}),
                "[kim/app] kim submitted review: changes requested on pull request #8: Mend\nno\nu",
            ),
            (
                json!({"action": "completed", "workflow_run": {"name": "CI", "conclusion": "failure", "head_branch": "main", "html_url": "u"}}),
                "[kim/app] kim completed workflow CI: failure\non main\nu",
            ),
            (
                json!({"action": "published", "release": {"name": "One", "tag_name": "v1", "body": "notes", "html_url": "u"}}),
                "[kim/app] kim published release One (v1)\nnotes\nu",
            ),
            (
                json!({"state": "failure", "context": "ci/x", "description": "red", "target_url": "u"}),
                "[kim/app] kim ci/x: failure\nred\nu",
            ),
            (
                json!({"zen": "Keep it simple.", "hook": {}}),
                "[kim/app] kim set up a webhook\nKeep it simple.",
            ),
            (
                json!({"ref": "v1", "ref_type": "tag", "master_branch": "main"}),
                "[kim/app] kim created tag v1",
            ),
            (json!({"ref": "v1", "ref_type": "tag"}), "[kim/app] kim deleted tag v1"),
            (json!({"forkee": {"full_name": "lee/app", "html_url": "u"}}), "[kim/app] kim fork lee/app\nu"),
        ] {
            assert_eq!(shown(sent.clone(), None), says, "{sent}");
        }
        assert_eq!(
            shown(json!({"action": "started"}), Some("watch")),
            "[kim/app] kim started watch\nhttps://h.example/kim/app"
        );
    }

    #[test]
    fn other_shapes_are_left_to_others() {
        assert!(lines(&json!({"text": "x", "repository": "y", "sender": 7}), None).is_empty());
    }
}
