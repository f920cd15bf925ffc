//! The wire forms of notifications.

use ds_domain::notification::{Delivery, NotificationStatus, StoredDelivery, StoredNotification};
use ds_validation::{Limits, ValidNotification, parse_notification};
use serde_json::Value;

use super::{erased, estimated_page};
use crate::wire::*;

pub(super) fn samples() -> Vec<(&'static str, Value)> {
    let (found, page) = estimated_page();
    let value = |value: &dyn erased::Json| value.json();
    vec![
        (
            "Notification",
            value(&NotificationElement::new(&notification(None))),
        ),
        (
            "NotificationList",
            value(&List {
                data: vec![NotificationElement::new(&notification(None))],
                pagination: Pagination::new(&found, page, Links::default()),
            }),
        ),
        (
            "NotificationDetail",
            value(&NotificationDetail::new(
                &notification(Some("no such user")),
                &[delivery(None), delivery(Some("550"))],
            )),
        ),
        ("Delivery", value(&DeliveryElement::new(&delivery(None)))),
        (
            "NotificationAccepted",
            value(&NotificationAccepted::new(&valid_notification())),
        ),
    ]
}

fn notification(text: Option<&str>) -> StoredNotification {
    let at = "2026-11-21T07:45:34Z".parse().unwrap();
    let mut notification = valid_notification().notification().clone();
    notification.delivery_status = text.map(str::to_owned);
    notification.error_message = text.map(str::to_owned);
    StoredNotification {
        id: 7,
        notification,
        created_at: at,
        updated_at: at,
    }
}

fn valid_notification() -> ValidNotification {
    let at = "2026-11-21T07:45:34Z".parse().unwrap();
    let body = br#"{"remediation_id":"rr-1","notification_id":"nt-1","recipient":"ann",
        "channel":"slack","message_summary":"m","status":"sent","sent_at":"2026-11-21T07:45:34Z"}"#;
    parse_notification(body, at, &Limits::default()).unwrap()
}

fn delivery(text: Option<&str>) -> StoredDelivery {
    let at = "2026-11-21T07:45:34Z".parse().unwrap();
    StoredDelivery {
        delivery: Delivery {
            attempt: 1,
            status: NotificationStatus::Escalated,
            occurred_at: at,
            delivery_status: text.map(str::to_owned),
            error_message: text.map(str::to_owned),
            escalation_level: text.map(|_| 2),
        },
        recorded_at: at,
    }
}
