"""What is deployed, read by the tools of its field: manifests, chart, dashboard, alerts, archives."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import yaml

import harness
import node_tables
import tables

ROOT = harness.ROOT
TOOLS = ROOT / "target" / "tools" / "bin"
CHART = ROOT / "charts" / "promshm"
KUBERNETES = ROOT / "docker" / "kubernetes"
GRAFANA = ROOT / "grafana"
METRICS = (ROOT / "docs" / "metrics.md").read_text()
OBSERVING = (ROOT / "docs" / "observing.md").read_text()
VERSIONS = ("1.29.0", "1.37.0")  # the oldest with native sidecars, and the newest whose schema is here
ALL_ON = ["podMonitor", "prometheusRule", "dashboard", "networkPolicy", "scrapeConfig"]
NODE = ["mode=node"]


def run(*words, **options):
    """Runs a tool from target/tools, or from the path; its output, or an error that shows it."""
    tool = TOOLS / words[0]
    command = [str(tool) if tool.exists() else words[0], *map(str, words[1:])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def documents(text):
    return [each for each in yaml.safe_load_all(text) if each]


def rendered(*settings, values=()):
    switches = [f"--set={each}.enabled=true" for each in settings]
    return run("helm", "template", "x", CHART, *switches, *[f"--set={each}" for each in values])


def kustomized(folder):
    return run("kubectl", "kustomize", KUBERNETES / folder)


def of_kind(kind, found):
    (document,) = [each for each in found if each["kind"] == kind]
    return document


def workload(found):
    """The object that makes the pods: workers with a sidecar, or the agent of each node."""
    (document,) = [each for each in found if each["kind"] in ("Deployment", "DaemonSet")]
    return document


class Validating(unittest.TestCase):
    def validate(self, text):
        """Against Kubernetes' own schemas; a field that they do not know is an error."""
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            for version in VERSIONS:
                run("kubernetes-validate", "--strict", "-k", version, file.name)


class Manifests(Validating):
    def test_schemas_refuse_invalid_manifests(self):
        with self.assertRaisesRegex(AssertionError, "supplementalGroup"):
            self.validate((ROOT / "docker" / "pod.yaml").read_text().replace("supplementalGroups", "supplementalGroup"))

    def test_pod_and_job_are_valid(self):
        for name in ("pod.yaml", "job.yaml"):
            self.validate((ROOT / "docker" / name).read_text())

    def test_base_and_overlays_are_valid_and_find_the_pod(self):
        folders = ["base", "node", *(f"overlays/{each.name}" for each in (KUBERNETES / "overlays").iterdir())]
        self.assertGreater(len(folders), 3)
        for folder in folders:
            with self.subTest(folder=folder):
                text = kustomized(folder)
                self.validate(text)
                self.finds_the_pod(documents(text))

    def test_the_chart_is_clean_and_valid(self):
        run("helm", "lint", "--strict", CHART)
        for settings, values in (([], []), (ALL_ON, []), ([], NODE), (ALL_ON, NODE), (ALL_ON, [*NODE, "scrapeConfig.nodes={10.0.0.1,10.0.0.2}"])):
            with self.subTest(settings=settings, values=values):
                text = rendered(*settings, values=values)
                self.validate(text)
                self.finds_the_pod(documents(text))

    def finds_the_pod(self, found):
        """The schemas do not know the operator's kinds: selectors and ports are compared with the pod instead."""
        pod = workload(found)["spec"]["template"]
        (exporter,) = [each for each in pod["spec"].get("initContainers", []) + pod["spec"]["containers"] if each["name"] == "exporter"]
        ports = {port["name"]: port["containerPort"] for port in exporter["ports"]}
        for each in found:
            spec = each.get("spec", {})
            if each["kind"] == "Service":
                self.assertTrue(selects({"matchLabels": spec["selector"]}, pod))
                self.assertIn(spec["ports"][0]["targetPort"], ports.values())
            if each["kind"] == "ServiceMonitor":
                service = of_kind("Service", found)
                self.assertTrue(selects(spec["selector"], service))
                self.assertEqual(spec["endpoints"][0]["port"], service["spec"]["ports"][0]["name"])
            if each["kind"] == "PodMonitor":
                self.assertTrue(selects(spec["selector"], pod))
                self.assertIn(spec["podMetricsEndpoints"][0]["port"], ports)
            if each["kind"] == "NetworkPolicy":
                self.assertTrue(selects(spec["podSelector"], pod))
                self.assertIn(spec["ingress"][0]["ports"][0]["port"], ports.values())

    def test_the_charts_pod_is_the_shipped_one(self):
        chart = of_kind("Deployment", documents(rendered()))["spec"]["template"]["spec"]
        shipped = documents((ROOT / "docker" / "pod.yaml").read_text())[0]["spec"]["template"]["spec"]
        args = chart["initContainers"][0].pop("args")
        self.assertLessEqual(set(shipped["initContainers"][0].pop("args")), set(args))
        for spec in (chart, shipped):
            for container in spec["initContainers"] + spec["containers"]:
                container.pop("imagePullPolicy", None)
                for probe in ("livenessProbe", "readinessProbe"):
                    container.get(probe, {}).get("httpGet", {}).pop("port", None)
        self.assertEqual(chart, shipped)

    def test_the_charts_agent_is_the_shipped_one(self):
        chart = of_kind("DaemonSet", documents(rendered(values=NODE)))["spec"]["template"]["spec"]
        shipped = of_kind("DaemonSet", documents(kustomized("node")))["spec"]["template"]["spec"]
        for spec in (chart, shipped):
            (exporter,) = spec["containers"]
            self.assertEqual(exporter.pop("args")[0], "node")
            exporter.pop("imagePullPolicy", None)
            for probe in ("livenessProbe", "readinessProbe"):
                exporter[probe]["httpGet"].pop("port")
        self.assertEqual(chart, shipped)

    def test_the_agent_asks_no_api_and_has_three_capabilities(self):
        found = documents(kustomized("node")) + documents(rendered(*ALL_ON, values=NODE))
        self.assertFalse({each["kind"] for each in found} & {"ServiceAccount", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"})
        agents = [each["spec"]["template"]["spec"] for each in found if each["kind"] == "DaemonSet"]
        self.assertEqual(len(agents), 2)
        for spec in agents:
            self.assertIs(spec["automountServiceAccountToken"], False)
            security = spec["containers"][0]["securityContext"]
            self.assertEqual(security["capabilities"], {"drop": ["ALL"], "add": ["IPC_OWNER", "SYS_ADMIN", "SYS_PTRACE"]})
            self.assertEqual((security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"]), (False, True))
            self.assertTrue(all(mount["readOnly"] for mount in spec["containers"][0]["volumeMounts"]))

    def test_the_agent_of_a_pod_is_asked_for_the_pods_page(self):
        """The operator's kind has no schema here; its relabelings are what Prometheus itself reads."""
        for found in (documents(kustomized("overlays/node-pods")), documents(rendered("scrapeConfig", values=NODE))):
            port = workload(found)["spec"]["template"]["spec"]["containers"][0]["ports"][0]["hostPort"]
            relabelings = {each["targetLabel"]: each for each in of_kind("ScrapeConfig", found)["spec"]["relabelings"]}
            self.assertEqual(relabelings["__address__"]["replacement"], f"$1:{port}")
            self.assertEqual(relabelings["__metrics_path__"]["replacement"], "/pods/$1/metrics")
            self.assertLess({"namespace", "pod", "node", "instance"}, set(relabelings))

    def test_nodes_by_address_are_asked_for_their_pods(self):
        chart = documents(rendered("scrapeConfig", values=[*NODE, "scrapeConfig.nodes={10.0.0.1}"]))
        for found in (documents(kustomized("overlays/node-discovery")), chart):
            for each in of_kind("ScrapeConfig", found)["spec"]["httpSDConfigs"]:
                self.assertRegex(each["url"], r"^http://[\w.-]+:10200/sd$")

    def test_no_scrape_of_pods_lets_them_choose_the_labels_of_their_target(self):
        """Pods are strangers to each other: `honor_labels` is false unless somebody sets it."""
        shipped = (ROOT / "docker" / "monitoring" / "node.yml").read_text() + kustomized("overlays/node-discovery")
        rendered_ones = rendered("scrapeConfig", values=NODE) + kustomized("overlays/node-pods")
        documented = (ROOT / "docs" / "deployment.md").read_text()
        for text in (shipped, rendered_ones, documented):
            self.assertRegex(text, "http_sd_configs|httpSDConfigs|kubernetesSDConfigs")
            self.assertNotRegex(text, "honor_?[lL]abels")

    def test_a_mode_that_does_not_exist_is_refused(self):
        with self.assertRaisesRegex(AssertionError, "mode is sidecar or node, not nodes"):
            rendered(values=["mode=nodes"])

    def test_the_seccomp_profile_lets_the_agent_only_read(self):
        rules = json.loads((ROOT / "docker" / "node.seccomp.json").read_text())["syscalls"]
        allowed = {name for rule in rules for name in rule["names"]}
        self.assertFalse(allowed & {"mount", "ptrace", "semop", "process_vm_readv", "process_vm_writev", "bpf", "unshare", "kill"})
        (space,) = [rule["args"] for rule in rules if rule["names"] == ["setns"]]
        self.assertEqual((space[0]["index"], space[0]["value"], space[0]["op"]), (1, 0x08000000, "SCMP_CMP_EQ"), "CLONE_NEWIPC")
        for name in ("shmat", "shmctl", "semctl", "shmget", "openat", "socket"):
            self.assertTrue(all(rule.get("args") for rule in rules if name in rule["names"]), name)

    def test_compose_lets_the_worker_join_the_exporter(self):
        services = yaml.safe_load((ROOT / "docker" / "compose.yml").read_text())["services"]
        self.assertEqual((services["exporter"]["ipc"], services["worker"]["ipc"]), ("shareable", "service:exporter"))
        for service in services.values():
            for volume in service.get("volumes", []):
                self.assertTrue((ROOT / "docker" / volume.split(":")[0]).exists(), volume)

    def test_base_images_have_their_whole_names(self):
        """Whether podman knows a short one is up to the distribution: Debian's knows php and not rust."""
        for path in (ROOT / "docker").glob("*.Dockerfile"):
            names = re.findall(r"^ARG (?:PHP|RUST)_IMAGE=(.*)$", path.read_text(), re.MULTILINE)
            self.assertTrue(names or path.name == "packed.Dockerfile", path.name)
            for name in names:
                self.assertRegex(name, r"^docker\.io/library/\w+:", path.name)

    def test_dockerfiles_and_workflows_are_clean(self):
        dockerfiles = sorted((ROOT / "docker").glob("*.Dockerfile"))
        workflows = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
        self.assertTrue(dockerfiles and workflows)
        run("hadolint", *dockerfiles)
        run("actionlint", *workflows)


def selects(selector, of):
    """Whether a label selector selects an object."""
    labels = of["metadata"]["labels"]
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    return wanted and all(labels.get(each["key"]) in each["values"] for each in selector.get("matchExpressions", []))


class Monitoring(unittest.TestCase):
    def setUp(self):
        self.dashboard = json.loads((GRAFANA / "dashboard.json").read_text())
        (self.group,) = yaml.safe_load((GRAFANA / "alerts.yaml").read_text())["groups"]

    def test_the_dashboard_is_what_its_script_writes(self):
        written = run(sys.executable, "-B", GRAFANA / "dashboard.py")
        self.assertEqual((GRAFANA / "dashboard.json").read_text(), written, "run: grafana/dashboard.py > grafana/dashboard.json")

    def test_panels_do_not_overlap(self):
        taken = set()
        for panel in self.dashboard["panels"]:
            place = panel["gridPos"]
            squares = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(squares & taken, panel["title"])
            taken |= squares
        self.assertLessEqual(max(x for x, _ in taken), 23)

    def expressions(self):
        panels = [target["expr"] for panel in self.dashboard["panels"] for target in panel.get("targets", [])]
        return panels + [rule["expr"] for rule in self.group["rules"]]

    def test_metrics_and_label_values_are_those_of_the_table(self):
        names, values = set(), set()
        for expression in self.expressions():
            names |= set(re.findall(r"\b(?:promshm|process)_\w+", expression))
            values |= set(re.findall(r'(?:kind|state|mode)!?=~?"([\w|]+)"', expression))
        self.assertGreater(len(names), 12)
        for name in names:
            self.assertIn(f"| `{name}` |", METRICS)
        for value in {each for several in values for each in several.split("|")}:
            self.assertIn(f"| `{value}` |", METRICS)

    def test_metrics_without_code_are_those_of_their_page(self):
        names = {name for each in self.expressions() for name in re.findall(r"\bphp_\w+", each)}
        self.assertGreater(len(names), 10)
        for name in names:
            self.assertRegex(OBSERVING, f"`{re.sub('_(bucket|count|sum)$', '', name)}[`{{]")

    def test_alerts_pass_their_rule_tests(self):
        run("promtool", "check", "rules", GRAFANA / "alerts.yaml")
        run("promtool", "test", "rules", GRAFANA / "alerts_test.yaml")

    def test_recording_rules_pass_their_rule_tests(self):
        run("promtool", "check", "rules", GRAFANA / "recording.yaml")
        run("promtool", "test", "rules", GRAFANA / "recording_test.yaml")

    def test_each_recording_rule_drops_the_pod_and_is_tested(self):
        (group,) = yaml.safe_load((GRAFANA / "recording.yaml").read_text())["groups"]
        asked = [each["expr"] for test in yaml.safe_load((GRAFANA / "recording_test.yaml").read_text())["tests"] for each in test["promql_expr_test"]]
        for rule in group["rules"]:
            self.assertTrue(any(rule["record"] in expression for expression in asked), rule["record"])
            labels = re.search(r"by \((.*?)\)", rule["expr"]).group(1).split(", ")
            self.assertEqual(rule["record"].split(":")[0], "_".join(labels), "a rule is named by its labels")
            self.assertFalse({"pod", "instance", "container"} & set(labels))

    def test_each_alert_is_tested_to_fire(self):
        tested = set()
        for each in yaml.safe_load((GRAFANA / "alerts_test.yaml").read_text())["tests"]:
            tested |= {alert["alertname"] for alert in each.get("alert_rule_test", []) if alert["exp_alerts"]}
        self.assertEqual(tested, {rule["alert"] for rule in self.group["rules"]})

    def test_the_chart_ships_both(self):
        found = documents(rendered(*ALL_ON))
        self.assertEqual(of_kind("PrometheusRule", found)["spec"], {"groups": [self.group]})
        self.assertEqual(json.loads(of_kind("ConfigMap", found)["data"]["promshm.json"]), self.dashboard)


class Autoscaling(Validating):
    """What docs/autoscaling.md names. A trigger's `metadata` is free in KEDA's schema, and the adapter's configuration has none: their
    fields are compared with lists of those that their programs read."""

    TRIGGER = {
        *("serverAddress", "query", "threshold", "activationThreshold", "ignoreNullValues", "namespace", "queryParameters"),
        *("customHeaders", "authModes", "unsafeSsl", "timeout", "cortexOrgID"),
    }
    ADAPTER = {
        "": {"rules", "resourceRules", "externalRules"},
        "rule": {"seriesQuery", "seriesFilters", "resources", "name", "metricsQuery"},
        "resources": {"template", "overrides", "namespaced"},
        "name": {"matches", "as"},
    }

    FOLDER = KUBERNETES / "autoscaling"

    def loaded(self, name):
        return yaml.safe_load((self.FOLDER / name).read_text())

    def queries(self):
        triggers = [trigger["metadata"]["query"] for trigger in self.loaded("keda.yaml")["spec"]["triggers"]]
        adapter = [rule["metricsQuery"].replace("<<.LabelMatchers>>", 'transport="async"') for rule in self.loaded("adapter.yaml")["externalRules"]]
        document = (ROOT / "docs" / "autoscaling.md").read_text()
        blocks = re.findall(r"```promql\n(.*?)```", document, re.S)
        return triggers + adapter + [query for block in blocks for query in block.split("\n\n")]

    def test_manifests_are_valid(self):
        for name in ("watch.yaml", "hpa.yaml"):
            self.validate((self.FOLDER / name).read_text())

    def validate_keda(self, text):
        run("python", pathlib.Path(__file__).with_name("keda.py"), input=text)

    def test_scaled_object_is_valid(self):
        self.validate_keda((self.FOLDER / "keda.yaml").read_text())
        for trigger in self.loaded("keda.yaml")["spec"]["triggers"]:
            self.assertEqual("prometheus", trigger["type"])
            self.assertLessEqual(set(trigger["metadata"]), self.TRIGGER)
            self.assertTrue(all(isinstance(value, str) for value in trigger["metadata"].values()), trigger)

    def test_schema_of_keda_refuses_invalid_manifests(self):
        text = (self.FOLDER / "keda.yaml").read_text()
        for right, wrong, told in (("cooldownPeriod:", "cooldownPeriods:", "spec.cooldownPeriods"), ("replicas: 2", "replicas: two", "spec.fallback.replicas"), ("- type:", "- typ:", r"spec.triggers.\d.type")):
            with self.subTest(wrong), self.assertRaisesRegex(AssertionError, told):
                self.validate_keda(text.replace(right, wrong, 1))

    def test_adapter_has_no_unknown_fields(self):
        configuration = self.loaded("adapter.yaml")
        self.assertLessEqual(set(configuration), self.ADAPTER[""])
        for rule in (rule for rules in configuration.values() for rule in rules):
            self.assertLessEqual(set(rule), self.ADAPTER["rule"])
            self.assertLessEqual({"seriesQuery", "metricsQuery"}, set(rule))
            for part in ("resources", "name"):
                self.assertLessEqual(set(rule.get(part, {})), self.ADAPTER[part])

    def test_both_scale_the_shipped_worker(self):
        worker = documents((ROOT / "docker" / "pod.yaml").read_text())[0]["metadata"]["name"]
        for name in ("keda.yaml", "hpa.yaml"):
            self.assertEqual(worker, self.loaded(name)["spec"]["scaleTargetRef"]["name"])

    def test_the_watch_has_the_shipped_exporter(self):
        watch, shipped = (documents(path.read_text())[0]["spec"]["template"]["spec"] for path in (self.FOLDER / "watch.yaml", ROOT / "docker" / "pod.yaml"))
        for spec in (watch, shipped):
            spec["initContainers"][0].pop("args")
        self.assertEqual(shipped["initContainers"], watch["initContainers"])
        self.assertEqual(shipped["securityContext"], watch["securityContext"])
        self.assertEqual(1, self.loaded("watch.yaml")["spec"]["replicas"])

    def test_rules_pass_their_tests(self):
        run("promtool", "check", "rules", self.FOLDER / "rules.yaml")
        run("promtool", "test", "rules", self.FOLDER / "rules_test.yaml")

    def test_queries_parse_and_name_metrics_that_exist(self):
        rules = [{"record": f"query:number{at}", "expr": query} for at, query in enumerate(self.queries())]
        self.assertGreater(len(rules), 6)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}, file)
            file.flush()
            run("promtool", "check", "rules", file.name)
        table = (ROOT / "docs" / "frameworks.md").read_text() + METRICS + OBSERVING
        expressions = [each["expr"] for each in rules] + [rule["expr"] for rule in self.loaded("rules.yaml")["groups"][0]["rules"]]
        names = {name for each in expressions for name in re.findall(r"\b(?:messenger|php)_\w+?(?=_count\b|\b)", each)}
        self.assertGreater(len(names), 4)
        for name in names:
            self.assertIn(f"| `{name}` |", table)

    def test_absent_is_not_taken_for_empty(self):
        keda = self.loaded("keda.yaml")["spec"]
        self.assertEqual(0, keda["minReplicaCount"])
        self.assertGreater(keda["fallback"]["replicas"], 0)
        for trigger in keda["triggers"]:
            self.assertEqual("false", trigger["metadata"]["ignoreNullValues"])
        for query in self.queries():
            self.assertNotIn("vector(", query)

    def test_the_adapter_has_what_the_autoscaler_asks_for(self):
        rules = self.loaded("adapter.yaml")["externalRules"]
        known = {rule.get("name", {}).get("as", rule["seriesQuery"]) for rule in rules}
        asked = {metric["external"]["metric"]["name"] for metric in self.loaded("hpa.yaml")["spec"]["metrics"]}
        self.assertEqual(known, asked)


class Scaling(unittest.TestCase):
    def test_the_documents_numbers_are_those_that_were_measured(self):
        text, found = tables.DOCUMENT.read_text(), json.loads((tables.HERE / "measured.json").read_text())
        self.assertEqual(text, tables.filled(text, found), "run: make scaling")
        self.assertGreaterEqual(found["pods"], 500)

    def test_the_comparison_of_sidecars_and_agent_is_what_was_measured(self):
        text, found = node_tables.DOCUMENT.read_text(), node_tables.measured()
        self.assertEqual(text, node_tables.filled(text, found), "run: benches/node/measure.py")
        self.assertGreaterEqual(found["pods"], 250)
