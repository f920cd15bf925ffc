"""What a schema cannot say to a generator of requests: what is recent, what exists, what can be read."""

import datetime
import ipaddress
import os
import uuid

import schemathesis
from schemathesis.generation import GenerationMode

# An event that is stored.
EVENT = os.environ["DS_CONFORMANCE_EVENT"]

# Times of an action that it need not have.
ACTION_TIMES = (
    "signal_firing_time",
    "execution_start_time",
    "execution_end_time",
    "effectiveness_assessed_at",
    "effectiveness_assessment_due",
)


@schemathesis.hook
def before_call(context, case, kwargs):
    # What must be refused is refused whatever else is wrong with it.
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    for bound in ("since", "until"):
        if bound in (case.query or {}):
            case.query[bound] = "24h"
    if "data" in (case.query or {}):
        case.query["data"] = ['{"alert_name":"MemPressure"}']
    if "cursor" in (case.query or {}):
        # One that was handed out cannot be made up; an empty one begins a walk, and has no offset.
        case.query["cursor"] = ""
        case.query.pop("offset", None)
    if case.path.endswith("/incidents/{id}") and not reads_as(int, case.path_parameters.get("id")):
        # The name of something else that an earlier answer held.
        case.path_parameters["id"] = 1
    if case.path.endswith("/success-rate/multi-dimensional"):
        # One dimension must be given, and a version belongs to a workflow.
        case.query = {"incident_type": "pod-oom", "workflow_id": "recovery"} | (case.query or {})
        for name in ("incident_type", "workflow_id"):
            case.query[name] = case.query[name] or "x"
    for time in ("sent_at", "occurred_at"):
        if isinstance(case.body, dict) and time in case.body:
            case.body[time] = now()
    events = case.body if isinstance(case.body, list) else [case.body]
    for event in events:
        if isinstance(event, dict) and "event_timestamp" in event:
            make_storable(event)
        if isinstance(event, dict) and "approved_at" in event:
            event["approved_at"] = now()
        if isinstance(event, dict) and "action_timestamp" in event:
            event["action_timestamp"] = now()
            event["action_id"] = str(uuid.uuid4())
        for time in ACTION_TIMES:
            # An empty text passes for a time there.
            if isinstance(event, dict) and event.get(time) is not None:
                event[time] = now()


def make_storable(event):
    event["event_timestamp"] = now()
    if event.get("parent_event_id") is not None:
        event["parent_event_id"] = EVENT
    if event.get("parent_event_date") is not None:
        event["parent_event_date"] = None
    if not reads_as(uuid.UUID, event.get("event_id")):
        event["event_id"] = None
    if not reads_as(ipaddress.ip_address, event.get("actor_ip")):
        event["actor_ip"] = None


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def reads_as(kind, text):
    try:
        kind(text)
    except (TypeError, ValueError):
        return False
    return True
