from __future__ import annotations

from contacthub_project.celery import app
from customers.actions.deliveries import TASK


def test_each_task_goes_to_one_queue_and_deliveries_to_their_own() -> None:
    queues = app.amqp.queues
    bindings = [(each.exchange.name, each.routing_key) for each in queues.values()]
    assert len(set(bindings)) == len(queues) == 2
    router = app.amqp.router
    assert router.route({}, TASK)["queue"].name == "deliveries"
    assert router.route({}, "customers.tasks.trim_feeds")["queue"].name == "celery"
