"""What Celery's workers need to know: the same as CONNECTORS__EXECUTOR_CONFIG says to runs."""

from os import environ

broker_url = result_backend = environ["CELERY_BROKER"]
# A worker that dies gives back what it has begun; it is given to another one after the timeout, in seconds, which
# must be longer than the longest step.
task_acks_late = True
task_reject_on_worker_lost = True
broker_transport_options = {"visibility_timeout": 14400}
