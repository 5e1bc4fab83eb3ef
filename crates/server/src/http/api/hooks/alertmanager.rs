//! Prometheus Alertmanager's own webhook (version 4), and Grafana's, which adds `title` and `message` to it.

use serde_json::{Map, Value};

use super::words::{deep, first, get, join, list, named, value};

/// Returns the lines of a group of alerts; empty for another shape.
pub(super) fn lines(group: &Value) -> Vec<String> {
    let is_group =
        ["groupKey", "groupLabels", "commonLabels", "receiver"].iter().any(|key| group.get(key).is_some());
    if !is_group || !group.get("alerts").is_some_and(|alerts| alerts.is_array() || alerts.is_object()) {
        return Vec::new();
    }
    let alerts = list(group, "alerts");
    let mut lines = Vec::new();
    lines.push(get(group, "title").unwrap_or_else(|| title(group, alerts)));
    match get(group, "message") {
        // Grafana's own words name every alert.
        Some(message) => lines.push(message),
        None => {
            let (labels, annotations) = (fields(group, "commonLabels"), fields(group, "commonAnnotations"));
            lines.extend(pairs(labels, |key| key != "alertname"));
            lines.extend(annotation_lines(annotations, |_| true));
            lines.extend(alerts.iter().flat_map(|alert| alert_lines(alert, labels, annotations)));
        }
    }
    let pictures = alerts.iter().filter_map(|alert| get(alert, "imageURL"));
    lines.extend(join(pictures));
    if let Some(more) = get(group, "truncatedAlerts").filter(|more| more != "0") {
        lines.push(format!("… and {more} more alerts"));
    }
    lines.extend(get(group, "externalURL"));
    lines
}

/// `[FIRING:2, RESOLVED:1] name group`, as Alertmanager writes it in its own templates.
fn title(group: &Value, alerts: &[Value]) -> String {
    let count =
        |status: &str| alerts.iter().filter(|alert| get(alert, "status").as_deref() == Some(status)).count();
    let counts = ["firing", "resolved"].map(|status| (status.to_uppercase(), count(status)));
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{status}:{count}"))
        .collect();
    let status = match counts.is_empty() {
        true => get(group, "status").unwrap_or_else(|| "alert".into()).to_uppercase(),
        false => counts.join(", "),
    };
    let name =
        deep(group, &["groupLabels", "alertname"]).or_else(|| deep(group, &["commonLabels", "alertname"]));
    let others = pairs(fields(group, "groupLabels"), |key| {
        key != "alertname" && !has(fields(group, "commonLabels"), key)
    });
    let words = [Some(format!("[{status}]")), name, others];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// Returns what one alert has beyond what all share.
fn alert_lines(
    alert: &Value,
    labels: Option<&Map<String, Value>>,
    annotations: Option<&Map<String, Value>>,
) -> Vec<String> {
    let status = get(alert, "status").unwrap_or_else(|| "alert".into());
    let own = pairs(fields(alert, "labels"), |key| !has(labels, key));
    let mut lines = vec![named(Some(status), own).unwrap_or_default()];
    lines.extend(annotation_lines(fields(alert, "annotations"), |key| !has(annotations, key)));
    lines.extend(get(alert, "valueString"));
    let ended = get(alert, "endsAt").filter(|at| !at.starts_with("0001-"));
    let since = get(alert, "startsAt").map(|at| match ended {
        Some(end) => format!("from {at} to {end}"),
        None => format!("since {at}"),
    });
    lines.extend(since);
    lines.extend(first(alert, &["generatorURL", "panelURL"]));
    lines
}

fn fields<'v>(object: &'v Value, key: &str) -> Option<&'v Map<String, Value>> {
    object.get(key)?.as_object()
}

fn has(fields: Option<&Map<String, Value>>, key: &str) -> bool {
    fields.is_some_and(|fields| fields.contains_key(key))
}

/// `a=1, b=2`.
fn pairs(fields: Option<&Map<String, Value>>, wanted: impl Fn(&str) -> bool) -> Option<String> {
    let fields = fields?.iter().filter(|(key, _)| wanted(key));
    let pairs: Vec<String> = fields.filter_map(|(key, of)| Some(format!("{key}={}", value(of)?))).collect();
    Some(pairs.join(", ")).filter(|pairs| !pairs.is_empty())
}

/// Summaries as they are, every other annotation behind its name.
fn annotation_lines(fields: Option<&Map<String, Value>>, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let fields: Vec<(&String, String)> = fields
        .into_iter()
        .flatten()
        .filter(|(key, _)| wanted(key))
        .filter_map(|(key, of)| Some((key, value(of)?)))
        .collect();
    let plain = ["summary", "message", "description"];
    let first = plain.iter().flat_map(|name| fields.iter().filter(move |(key, _)| key == name));
    let first = first.map(|(_, text)| text.clone());
    let rest = fields.iter().filter(|(key, _)| !plain.contains(&key.as_str()));
    let rest = rest.filter_map(|(key, text)| named(Some((*key).clone()), Some(text.clone())));
    first.chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_group_names_what_all_have_once() {
        let group = json!({
            "version": "4", "groupKey": "{}:{alertname=\"DiskFull\"}", "truncatedAlerts": 3, "status": "firing", "receiver": "madang",
            "groupLabels": {"alertname": "DiskFull"}, "commonLabels": {"alertname": "DiskFull", "severity": "critical"},
            "commonAnnotations": {"runbook_url": "https://x.example/run"}, "externalURL": "http://am:9093",
            "alerts": [
                {"status": "firing", "labels": {"alertname": "DiskFull", "severity": "critical", "instance": "db1"},
                 "annotations": {"summary": "db1 is full", "runbook_url": "https://x.example/run"},
                 "startsAt": "2026-11-28T04:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prom:9090/g"},
                {"status": "resolved", "labels": {"instance": "db2"}, "annotations": null, "startsAt": "a", "endsAt": "b"},
                null, 7]});
        assert_eq!(
            lines(&group).join("\n"),
            "[FIRING:1, RESOLVED:1] DiskFull\nseverity=critical\nrunbook_url: https://x.example/run\n\
             firing: instance=db1\ndb1 is full\nsince 2026-11-28T04:00:00Z\nhttp://prom:9090/g\n\
             resolved: instance=db2\nfrom a to b\nalert\nalert\n… and 3 more alerts\nhttp://am:9093"
        );
    }

    #[test]
    fn grafanas_own_words_go_first() {
        let group = json!({"receiver": "", "status": "firing", "alerts": [{"imageURL": "https://x.example/p.png"}, {}],
            "title": "[FIRING:2] Load", "message": "**Firing**\nValue: 7", "externalURL": "https://g.example/"});
        assert_eq!(
            lines(&group).join("\n"),
            "[FIRING:2] Load\n**Firing**\nValue: 7\nhttps://x.example/p.png\nhttps://g.example/"
        );
        assert!(lines(&json!({"alerts": [], "text": "x"})).is_empty());
        assert_eq!(lines(&json!({"receiver": 1, "alerts": [], "status": "resolved"})), ["[RESOLVED]"]);
    }
}
