"""Pods of runs are what deploy says, and Dagster accepts what its Helm chart makes of the values."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
CHART = os.environ.get("CHART", "")
IMAGE = "registry.example/connectors-dagster:1"
pytestmark = pytest.mark.machines


def pod_of_a_run(*configured: Any) -> dict[str, Any]:
    """Return the pod that dagster-k8s makes of what a launcher and a code location say, one after another."""
    from dagster_k8s import DagsterK8sJobConfig, construct_dagster_k8s_job
    from dagster_k8s.container_context import K8sContainerContext
    from kubernetes.client import ApiClient

    merged = K8sContainerContext()
    for config in configured:
        merged = merged.merge(K8sContainerContext.create_from_config({"k8s": config}))
    job = construct_dagster_k8s_job(
        DagsterK8sJobConfig(job_image=IMAGE, dagster_home="/home"),
        ["dagster"],
        "run",
        merged.run_k8s_config,
    )
    pod: dict[str, Any] = ApiClient().sanitize_for_serialization(job)["spec"]["template"]["spec"]
    return pod


def is_restricted(pod: dict[str, Any]) -> bool:
    [container] = pod["containers"]
    locked = container["securityContext"]["readOnlyRootFilesystem"] and pod["securityContext"]["runAsNonRoot"]
    places = {mount["mountPath"] for mount in container["volumeMounts"]}
    return bool(locked) and len(container["volumeMounts"]) == len(places) and {"/tmp", "/var/lib/connectors"} <= places


def test_a_run_of_the_hybrid_location_is_a_restricted_pod_with_its_secrets():
    [location] = yaml.safe_load((DEPLOY / "dagster-plus" / "hybrid.dagster_cloud.yaml").read_text())["locations"]
    pod = pod_of_a_run(location["container_context"]["k8s"])
    assert is_restricted(pod)
    assert pod["containers"][0]["envFrom"] == [{"secretRef": {"name": "connectors-settings"}}]


@pytest.fixture(scope="module")
def rendered() -> dict[tuple[str, str], Any]:
    """What Dagster's Helm chart in the folder CHART makes of the values, by kind and name."""
    command = ["helm", "template", "dagster", CHART, "--values", str(DEPLOY / "kubernetes" / "values.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    objects = [found for found in yaml.safe_load_all(done.stdout) if found]
    return {(found["kind"], found["metadata"]["name"]): found for found in objects}


@pytest.mark.skipif(not CHART, reason="no chart: run make chart CHART=<folder of Dagster's Helm chart>")
def test_dagster_accepts_the_instance_of_the_chart(rendered, postgres, project, monkeypatch):
    written = yaml.safe_load(rendered["ConfigMap", "dagster-instance"]["data"]["dagster.yaml"])
    for name in ("run_storage", "event_log_storage", "schedule_storage"):
        at = written[name]["config"]["postgres_db"]
        at |= {"hostname": "127.0.0.1", "port": postgres.port, "username": "postgres", "db_name": postgres.database}
    written["local_artifact_storage"]["config"]["base_dir"] = str(project)
    (project / "dagster.yaml").write_text(yaml.safe_dump(written))
    monkeypatch.setenv("DAGSTER_PG_PASSWORD", "trusted")
    with dg.DagsterInstance.from_config(str(project)) as instance:
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1


@pytest.mark.skipif(not CHART, reason="no chart: run make chart CHART=<folder of Dagster's Helm chart>")
def test_every_pod_of_the_chart_is_restricted_and_runs_have_settings_secrets_and_memory(rendered):
    pods = [found["spec"]["template"]["spec"] for (kind, _), found in rendered.items() if kind == "Deployment"]
    assert len(pods) == 3 and all(is_restricted(pod) for pod in pods)
    run = pod_of_a_run(*configured_for_runs(rendered))
    [container] = run["containers"]
    assert is_restricted(run)
    assert {"name": "CONNECTORS__DESTINATION", "value": "postgres"} in container["env"]
    assert {"secretRef": {"name": "connectors-settings"}} in container["envFrom"]
    assert container["resources"]["limits"] == {"memory": "4Gi"}


def configured_for_runs(rendered: dict[tuple[str, str], Any]) -> Iterator[Any]:
    """Yield what the launcher and the code's container say of the pods of runs."""
    launcher = yaml.safe_load(rendered["ConfigMap", "dagster-instance"]["data"]["dagster.yaml"])["run_launcher"]
    shared = ("volumes", "volume_mounts", "security_context", "run_k8s_config")
    yield {name: launcher["config"][name] for name in shared}
    [code] = [pod for (kind, name), pod in rendered.items() if kind == "Deployment" and name.endswith("-connectors")]
    [container] = code["spec"]["template"]["spec"]["containers"]
    environment = {variable["name"]: variable.get("value") for variable in container["env"]}
    yield json.loads(environment["DAGSTER_CLI_API_GRPC_CONTAINER_CONTEXT"])["k8s"]
