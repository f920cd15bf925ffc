//! Attacks that are flagged, and everyday texts that are not.

use super::*;

#[track_caller]
fn check(texts: &[&str], expected: &[Flag]) {
    for text in texts {
        assert_eq!(flags(text), expected, "{text}");
    }
}

#[test]
fn scripts_are_flagged() {
    check(
        &[
            "<script>alert(1)</script>",
            "a<SCRIPT src=//evil.example/x.js>",
            "< script >alert(1)</ script >",
            "<script\n>alert(1)",
            "</script>",
            "<iframe src=//evil.example>",
            "<object data=x>",
            r#"<img src=x onerror=alert(1)"#,
            r#"<img src="x" OnError = "alert(1)">"#,
            "<svg/onload=alert(1)>",
            "<body\nonload=alert(1)>",
            r#"<a href="javascript:alert(1)">"#,
            "javascript:alert(1)",
            "VBScript:msgbox(1)",
            "<a href='data:text/html;base64,PHNjcmlwdD4='>",
        ],
        &[Flag::Xss],
    );
}

#[test]
fn statements_in_values_are_flagged() {
    check(
        &[
            "'; DROP TABLE audit_events; --",
            "x'; drop table users",
            "1; DELETE FROM audit_events",
            "'; INSERT INTO users VALUES (1)",
            "x; update users set admin = 1",
            "'; EXEC xp_dirtree",
            "' UNION SELECT password FROM users",
            "1 union all select null",
            "1 UNION/**/SELECT 2",
            "' OR '1'='1",
            "x' or 1=1",
            "\" or \"a\"=\"a",
            "1) or (1=1",
            "admin'--",
            "admin' #",
            "admin')/*",
            "'; waitfor delay '0:0:5'",
        ],
        &[Flag::SqlInjection],
    );
}

#[test]
fn both_are_flagged_together() {
    check(
        &["<script>x</script>'; DROP TABLE users"],
        &[Flag::Xss, Flag::SqlInjection],
    );
}

#[test]
fn everyday_texts_are_not() {
    check(
        &[
            "",
            "delete_pod",
            "update_deployment; create_configmap",
            "select",
            "drop-in replacement",
            "selector-service",
            "reunion-app",
            "the union of both sets; select one",
            "cpu < 5 and mem > 3",
            "<none>",
            "<nil>",
            "List<String>",
            "<pod-name>",
            "kubectl exec 'web-0' -- ls",
            "it's a --dry-run",
            "don't # comment",
            "up == 1 or vector(0)",
            r#"sum(rate(http_requests_total{code=~"5.."}[5m])) or on() vector(0)"#,
            "a=1 or b=2",
            "run node or npm=9",
            "JavaScript: the good parts",
            "script: /bin/sh",
            "https://grafana.example/d/x?orgId=1&onlyErrors=true",
            "online=true, only=1",
            "Scaled up; update deployment/web",
            "Dropped 3 packets; delete pod web-0 from node n1",
            "INSERT failed",
            "UPDATE statement waits for a lock",
            "--",
            "-- nothing --",
            "back-off 5m0s restarting failed container=web pod=web-0_shop(1f2e)",
            "can't delete from the cache",
            "Error: 'foo' not found -- try again",
        ],
        &[],
    );
}
