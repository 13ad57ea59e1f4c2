"""The files in deploy: services run without root and with checks, contain no secret, and agree with each other."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster_cloud_cli.config.models import load_dagster_cloud_yaml

from connectors_dagster import load_connectors
from connectors_dagster.config.explained_settings import OF_A_CONNECTOR, OF_ALL

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
OWN = {"code", "webserver", "daemon", "migrate", "worker"}
"""Services of the image of this project."""
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
SECRETS = re.compile(r"(?im)^[ -]*[\w.]*(?:password|secret|token|api_?key)\w*[ \t]*[:=][ \t]*(?P<value>[^\s#].*)$")


def parsed(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def services() -> dict[str, dict[str, Any]]:
    """Return the services of both compose files, those of celery on top of the others."""
    below, above = parsed("compose/compose.yaml")["services"], parsed("celery/compose.yaml")["services"]
    return {
        name: {**below.get(above.get(name, {}).get("extends", {}).get("service", name), {}), **above.get(name, {})}
        for name in {*below, *above}
    }


@pytest.mark.parametrize("name", sorted(services()))
def test_a_service_has_a_read_only_root_no_new_privileges_and_a_check(name):
    service = services()[name]
    assert service["read_only"] is True and "no-new-privileges:true" in service["security_opt"]
    assert service["restart"] == "no" or service["healthcheck"]["test"]
    assert name not in OWN or (service["user"], service["cap_drop"]) == ("10001", ["ALL"])


def test_services_wait_for_services_that_are_there_and_only_this_machine_reaches_the_ui():
    found = services()
    assert {other for service in found.values() for other in service.get("depends_on", {})} <= set(found)
    assert [port for service in found.values() for port in service.get("ports", [])] == ["127.0.0.1:3000:3000"]


def test_the_image_runs_without_root_and_is_built_from_what_is_there():
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["10001"]
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    for name in " ".join(copied).split():
        assert (ROOT / name).exists() and f"!{name}" in ignored, name


@pytest.mark.parametrize("file", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_a_file_has_no_secret(file):
    for found in SECRETS.finditer(file.read_text(encoding="utf-8")):
        assert re.match(r"\$\{|\{env: |\[?connectors-|\[\]$|false$|redis://:\$\{", found["value"]), found[0]


def test_workers_and_runs_have_the_same_configuration_of_celery(monkeypatch):
    broker = "redis://redis:6379/0"
    monkeypatch.setenv("CELERY_BROKER", broker)
    found = runpy.run_path(str(DEPLOY / "celery" / "dagster_celery_config.py"))
    of_runs = json.loads(parsed("celery/compose.yaml")["x-environment"]["CONNECTORS__EXECUTOR_CONFIG"])
    assert of_runs["broker"] == of_runs["backend"] == {"env": "CELERY_BROKER"}
    wanted = {"broker_url": broker, "result_backend": broker, **of_runs["config_source"]}
    assert {name: found[name] for name in found if name[0] != "_" and name != "environ"} == wanted


def test_what_is_mounted_is_there_also_if_compose_is_given_both_files():
    mounted = [volume.split(":")[0] for service in services().values() for volume in service.get("volumes", [])]
    files = [name for name in mounted if name.startswith(".")]
    assert len(files) == 2 and all((DEPLOY / "compose" / name).is_file() for name in files)


def test_the_check_of_a_worker_asks_the_worker_itself():
    worker = services()["worker"]
    name = worker["command"][worker["command"].index("-n") + 1]
    assert f'"{name.replace("%h", "$$HOSTNAME")}"' in worker["healthcheck"]["test"][1]


def test_every_setting_of_this_project_exists():
    text = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
    known = {f"CONNECTORS__{name}".upper() for name in OF_ALL}
    for name, connector in load_connectors().items():
        known |= {f"SOURCES__{name}__{setting}".upper() for setting in (*connector.settings, *OF_A_CONNECTOR)}
    assert set(re.findall(r"\b(?:CONNECTORS|SOURCES)__\w+", text)) <= known


@pytest.mark.parametrize("name", ["dagster_cloud.yaml", "hybrid.dagster_cloud.yaml"])
def test_dagster_plus_finds_the_code(name):
    file = DEPLOY / "dagster-plus" / name
    [location] = load_dagster_cloud_yaml(file.read_text(encoding="utf-8")).locations
    assert location.code_source.module_name == "connectors_dagster.definitions"
    assert (file.parent / location.build.directory / "pyproject.toml").exists()


def test_each_deployment_limits_the_pools():
    limits = [
        parsed("dagster.yaml")["concurrency"]["pools"]["default_limit"],
        parsed("kubernetes/values.yaml")["concurrency"]["pools"]["defaultLimit"],
        parsed("dagster-plus/deployment_settings.yaml")["concurrency"]["pools"]["default_limit"],
    ]
    assert limits == [1, 1, 1]


def test_pods_run_without_root_and_with_a_read_only_root():
    values = parsed("kubernetes/values.yaml")
    [code] = values["dagster-user-deployments"]["deployments"]
    for pod in (values["dagsterWebserver"], values["dagsterDaemon"], code):
        assert pod["podSecurityContext"]["runAsNonRoot"] and pod["securityContext"]["readOnlyRootFilesystem"]
        assert [mount["name"] for mount in pod["volumeMounts"]] == [volume["name"] for volume in pod["volumes"]]


def test_pods_of_runs_are_as_restricted_as_those_of_the_code():
    values = parsed("kubernetes/values.yaml")
    [code] = values["dagster-user-deployments"]["deployments"]
    runs = values["runLauncher"]["config"]["k8sRunLauncher"]
    assert runs["securityContext"] == code["securityContext"]
    assert runs["runK8sConfig"]["podSpecConfig"]["securityContext"] == code["podSecurityContext"]
    # The chart gives the resources of the code to runs, and those of the launcher would have no effect.
    assert code["resources"]["limits"] and "resources" not in runs["runK8sConfig"].get("containerConfig", {})


def test_the_web_server_of_a_pod_listens_where_it_may_without_root():
    webserver = parsed("kubernetes/values.yaml")["dagsterWebserver"]
    assert webserver["readinessProbe"]["httpGet"]["port"] == webserver["service"]["port"] >= 1024
