"""TLS and passwords by --web.config.file, seen by openssl, curl and a real Prometheus."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

import harness
from harness import wait_until

# bcrypt, cost 5, of PASSWORDS.
PASSWORDS = {"alice": "correct horse", "bob": "battery staple"}
HASHES = {
    "alice": "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
    "bob": "$2y$05$bcdefghijklmnopqrstuvuAls32WyXdCCakFNjD1T.kA4TmbHss42",
}
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
USERS = f"basic_auth_users:\n  alice: {HASHES['alice']}\n"
CLIENTS = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n"
ALERT = "SSL alert number (40|70)"  # the server's: no common parameters, or no common version


def run(*words, **options):
    """Runs a command to its end."""
    options = {"capture_output": True, "text": True, "timeout": harness.WATCHDOG, "stdin": subprocess.DEVNULL, **options}
    return subprocess.run([str(word) for word in words], **options)


class TlsTest(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.authority("ca")
        self.certificate("server", "ca")

    def file(self, name):
        return self.folder / name

    def openssl(self, *words):
        done = run("openssl", *words, cwd=self.folder)
        self.assertEqual(done.returncode, 0, done.stderr)

    def authority(self, name):
        self.openssl(*self.request(name), "-x509", "-days", "2", "-out", f"{name}.pem")

    def certificate(self, name, authority, names="DNS:localhost,IP:127.0.0.1"):
        """A certificate for this machine, for servers and clients alike, in NAME.pem with NAME.key."""
        self.openssl(*self.request(name), "-out", f"{name}.csr")
        self.file("names").write_text(f"subjectAltName={names}\n")
        signing = ["-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", "2"]
        self.openssl("x509", "-req", "-in", f"{name}.csr", *signing, "-extfile", "names", "-out", f"{name}.pem")

    @staticmethod
    def request(name):
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        return ["req", *curve, "-keyout", f"{name}.key", "-subj", f"/CN={name}"]

    def configure(self, text):
        """Puts the file in its place at once, as Kubernetes does."""
        self.file("new.yml").write_text(text)
        self.file("new.yml").rename(self.file("web.yml"))

    def exporter(self, text):
        self.configure(text)
        return harness.Exporter(self, self.segment, words=[f"--web.config.file={self.file('web.yml')}"])

    def curl(self, exporter, *words, scheme="https", path="/metrics"):
        """curl's exit code, the status, and the headers with the page."""
        command = ["curl", "--silent", "--include", "--max-time", harness.WATCHDOG, "--cacert", self.file("ca.pem")]
        done = run(*command, *words, f"{scheme}://{exporter.address}{path}")
        found = re.match(r"HTTP/1\.1 (\d+)", done.stdout)
        return done.returncode, int(found.group(1)) if found else 0, done.stdout

    def status(self, exporter, *words, **options):
        return self.curl(exporter, *words, **options)[1]

    def s_client(self, exporter, *words):
        """What openssl says of a handshake."""
        done = run("openssl", "s_client", "-connect", exporter.address, "-CAfile", self.file("ca.pem"), *words)
        return done.stdout + done.stderr

    def user(self, name):
        return ["--user", f"{name}:{PASSWORDS[name]}"]

    def certified(self, name):
        return ["--cert", self.file(f"{name}.pem"), "--key", self.file(f"{name}.key")]

    def test_versions(self):
        exporter = self.exporter(TLS)
        old = self.s_client(exporter, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")
        self.assertRegex(old, ALERT, "it is the exporter that refuses")
        for flag, version in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            told = self.s_client(exporter, flag)
            self.assertRegex(told, f"New, {version}, Cipher is TLS_|Protocol *: {version}", told)
            self.assertIn("Verify return code: 0 (ok)", told)
        self.assertEqual(self.status(exporter), 200)
        self.configure(TLS + "  min_version: TLS13\n")
        exporter.send(signal.SIGHUP)
        exporter.wait_for("was read anew")
        self.assertRegex(self.s_client(exporter, "-tls1_2"), ALERT)
        self.assertIn("Verify return code: 0 (ok)", self.s_client(exporter, "-tls1_3"))

    def test_cipher_suites_and_curves(self):
        suite = "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n  curve_preferences: [CurveP384]\n"
        exporter = self.exporter(TLS + suite)
        told = self.s_client(exporter, "-tls1_2")
        self.assertIn("ECDHE-ECDSA-AES256-GCM-SHA384", told)
        self.assertRegex(told, "(?i)(secp384r1|P-384)")
        self.assertRegex(self.s_client(exporter, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"), ALERT)

    def test_passwords_without_tls(self):
        exporter = self.exporter(USERS)
        _, status, page = self.curl(exporter, scheme="http")
        self.assertEqual(status, 401)
        self.assertRegex(page, r"(?i)\nwww-authenticate: basic realm=")
        self.assertNotIn("promshm_up", page)
        for wrong in ("alice:wrong", "alice:", "bob:battery staple", ":", "alice:correct horse "):
            self.assertEqual(self.status(exporter, "--user", wrong, scheme="http"), 401, wrong)
        self.assertEqual(self.status(exporter, *self.user("alice"), scheme="http"), 200)
        for path in ("/", "/-/healthy", "/nothing"):
            self.assertEqual(self.status(exporter, scheme="http", path=path), 401, path)
        self.assertIn('promshm_http_refused_total{reason="unauthorized"} 9', self.curl(exporter, *self.user("alice"), scheme="http")[2])

    def test_known_password_is_not_compared_again(self):
        """Every scrape brings it; it is compared once, which the unit tests prove and this one shows."""
        exporter = self.exporter(USERS)
        config = self.file("many")
        line = f'url = "http://{exporter.address}/-/healthy"\noutput = "/dev/null"\n'
        config.write_text(line * 1000)
        before = self.cpu_seconds(exporter)
        done = run("curl", "--silent", *self.user("alice"), "--write-out", "%{http_code}\n", "--config", config)
        self.assertEqual(done.stdout.split(), ["200"] * 1000, done.stderr)
        print(f"1,000 scrapes with a password: {self.cpu_seconds(exporter) - before:.2f} CPU seconds ...", file=sys.stderr, end=" ")

    def cpu_seconds(self, exporter):
        page = self.curl(exporter, *self.user("alice"), scheme="http")[2]
        return float(re.search(r"\nprocess_cpu_seconds_total (\S+)", page).group(1))

    def test_client_certificates(self):
        self.authority("strangers")
        self.certificate("client", "ca")
        self.certificate("stranger", "strangers")
        exporter = self.exporter(TLS + CLIENTS)
        self.assertEqual(self.status(exporter, *self.certified("client")), 200)
        for words in ([], self.certified("stranger")):
            code, status, page = self.curl(exporter, *words)
            self.assertNotEqual((code, status), (0, 200))
            self.assertNotIn("promshm_up", page)
        self.configure(TLS + "  client_auth_type: RequireAnyClientCert\n")
        exporter.send(signal.SIGHUP)
        exporter.wait_for("was read anew")
        self.assertEqual(self.status(exporter, *self.certified("stranger")), 200)
        self.assertNotEqual(self.status(exporter), 200)

    def test_invalid_files_end_the_program(self):
        self.certificate("other", "ca")
        self.file("empty.pem").write_text("")
        self.openssl("pkey", "-in", "server.key", "-aes256", "-passout", "pass:x", "-out", "encrypted.key")
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521", "-out", "p521.key")
        self.openssl("genpkey", "-algorithm", "ED448", "-out", "ed448.key")
        self.openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", "small.key")
        cases = {
            "tls_server_config:\n  cert_file: server.pem\n": "key_file is missing",
            TLS.replace("server.pem", "missing.pem"): "missing.pem: No such file",
            TLS.replace("server.pem", "empty.pem"): "no PEM certificate",
            TLS.replace("server.key", "server.pem"): "server.pem: ",
            TLS.replace("server.key", "other.key"): "other.key: ",
            TLS.replace("server.key", "encrypted.key"): "encrypted.key: the key is encrypted",
            TLS.replace("server.key", "p521.key"): "p521.key: an EC key on the curve P-521 is not supported",
            TLS.replace("server.key", "ed448.key"): "ed448.key: an Ed448 key is not supported",
            TLS.replace("server.key", "small.key"): "small.key: ",
            TLS + "  max_version: TLS11\n": "line 4: max_version: write TLS12 or TLS13",
            TLS + "  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]\n": "line 4: cipher_suites: write a list of TLS_",
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n": "client_ca_file is missing",
            TLS + "  client_ca_file: ca.pem\n": "no effect without client_auth_type",
            TLS + "  client_allowed_sans: [a]\n": "client_allowed_sans needs client_auth_type",
            TLS + "  certfile: x\n": "line 4: unknown field certfile",
            "basic_auth_users:\n  alice: secret\n": "line 2: alice: write a bcrypt hash",
            "basic_auth_users: {": "not YAML",
        }
        for text, cause in cases.items():
            self.configure(text)
            words = [f"--web.config.file={self.file('web.yml')}", "--web.listen-address=127.0.0.1:0"]
            done = run(harness.EXPORTER, "--segment", self.segment, *words)
            self.assertEqual(done.returncode, 1, text)
            self.assertIn(cause, done.stderr, text)

    def test_configuration_of_exporter_toolkit_is_accepted(self):
        """What has no effect here is named in the log, once."""
        cases = {
            "": "everybody is let in",
            "tls_server_config: {}\n": "TLS is off",
            TLS + "  min_version: TLS10\n": "min_version TLS10 is taken for TLS12",
            TLS + "  client_auth_type: ''\n  client_ca_file: ''\n  cipher_suites: []\n  curve_preferences: []\n": None,
            TLS + "  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n": "cipher_suites: TLS_RSA_",
            TLS + "  curve_preferences: [CurveP521, X25519]\n": "curve_preferences: CurveP521",
            TLS + "http_server_config:\n  http2: on\n": "http2 has no effect",
            TLS + "http_server_config:\n  headers:\n    X-XSS-Protection: 0\n    X-Frame-Options: ''\n": None,
        }
        for text, note in cases.items():
            exporter = self.exporter(text)
            scheme = "https" if text.startswith(TLS) else "http"
            for _ in range(2):
                self.assertEqual(self.status(exporter, scheme=scheme), 200, text)
            self.assertEqual(exporter.output().count("level=warn"), 1 if note else 0, exporter.output())
            self.assertIn(note or "", exporter.output())
            exporter.end()

    def test_requests_in_a_row_are_limited(self):
        exporter = self.exporter("rate_limit:\n  interval: 1h\n  burst: 2\n")
        status = lambda path: self.status(exporter, scheme="http", path=path)
        self.assertEqual([status("/metrics") for _ in range(3)], [200, 200, 429])
        self.assertEqual([status("/-/healthy") for _ in range(3)], [200] * 3)

    def test_client_certificates_may_need_a_name(self):
        names = "DNS:scraper.example,email:ops@example.org,URI:spiffe://example/prometheus,IP:192.0.2.7"
        self.certificate("named", "ca", names)
        self.certificate("other", "ca", "DNS:other.example")
        for name in ("scraper.example", "ops@example.org", "spiffe://example/prometheus", "192.0.2.7"):
            exporter = self.exporter(TLS + CLIENTS + f"  client_allowed_sans: [nobody, '{name}']\n")
            self.assertEqual(self.status(exporter, *self.certified("named")), 200, name)
            for words in (self.certified("other"), []):
                code, status, page = self.curl(exporter, *words)
                self.assertNotEqual((code, status), (0, 200))
                self.assertNotIn("promshm_up", page)
            exporter.end()

    def test_live_page_keeps_its_policy_beside_a_configured_one(self):
        policy = "http_server_config:\n  headers:\n    Content-Security-Policy: \"default-src 'self'\"\n"
        exporter = self.exporter(policy)
        found = lambda path: re.findall(r"(?i)\ncontent-security-policy: (.*)", self.curl(exporter, scheme="http", path=path)[2])
        (own,) = found("/")
        self.assertIn("script-src 'sha256-", own)
        for path in ("/metrics", "/-/healthy", "/nothing"):
            self.assertEqual(found(path), ["default-src 'self'"], path)

    def test_invalid_file_rejects_all_until_it_is_mended(self):
        exporter = self.exporter(TLS + USERS)
        self.assertEqual(self.status(exporter, *self.user("alice")), 200)
        for broken in ("", TLS, "tls_server_config: {", TLS + "basic_auth_users:\n  alice: x\n"):
            self.configure(broken)
            exporter.send(signal.SIGHUP)
            wait_until("a shut door", lambda: self.curl(exporter, *self.user("alice"))[0] != 0)
            for words in (self.user("alice"), []):
                for scheme in ("https", "http"):
                    code, status, page = self.curl(exporter, *words, scheme=scheme)
                    self.assertNotEqual(code, 0, page)
                    self.assertEqual((status, page), (0, ""))
            self.configure(TLS + USERS)
            wait_until("an open door", lambda: self.status(exporter, *self.user("alice")) == 200)
        self.assertEqual(exporter.output().count("is broken"), 4, exporter.output())

    def test_certificate_and_users_are_read_anew(self):
        exporter = self.exporter(TLS + USERS)
        serial = lambda: re.search(r"(?s)-----BEGIN.*?END", self.s_client(exporter)).group(0)
        first = serial()
        with socket.create_connection(exporter.address.rsplit(":", 1), harness.WATCHDOG) as idle:
            self.certificate("server", "ca")
            wait_until("the new certificate", lambda: serial() != first)
            self.assertEqual(idle.recv(1), b"", "who came under the old one has gone")
        self.assertEqual(self.status(exporter, *self.user("alice")), 200)
        self.assertEqual(self.status(exporter, *self.user("bob")), 401)
        self.configure(TLS + USERS.replace("alice", "bob").replace(HASHES["alice"], HASHES["bob"]))
        wait_until("the new user", lambda: self.status(exporter, *self.user("bob")) == 200)
        self.assertEqual(self.status(exporter, *self.user("alice")), 401)

    def test_header_fields_are_on_every_answer(self):
        headers = "http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n    Strict-Transport-Security: max-age=5\n"
        exporter = self.exporter(TLS + USERS + headers)
        for words in ([], self.user("alice")):
            page = self.curl(exporter, *words)[2]
            self.assertIn("\nX-Frame-Options: deny\n", page)
            self.assertIn("\nStrict-Transport-Security: max-age=5\n", page)

    def test_plain_http_request_gets_an_explanation(self):
        exporter = self.exporter(TLS)
        code, status, page = self.curl(exporter, scheme="http")
        self.assertEqual((code, status), (0, 400))
        self.assertIn("this port speaks HTTPS", page)

    def test_the_health_check_needs_no_secret(self):
        for text in (TLS, USERS, TLS + CLIENTS + USERS):
            exporter = self.exporter(text)
            check = [harness.EXPORTER, "healthcheck", f"--web.listen-address={exporter.address}"]
            done = run(*check)
            self.assertEqual(done.returncode, 0, (text, done.stderr))
            self.configure("broken: true\n")
            wait_until("a shut door", lambda: run(*check).returncode == 1)
            exporter.stop()
            self.assertEqual(run(*check).returncode, 1)

    def test_a_real_prometheus_scrapes_over_tls_with_a_password(self):
        exporter = self.exporter(TLS + USERS)
        how = (
            "    scheme: https\n"
            f"    tls_config: {{ca_file: {self.file('ca.pem')}}}\n"
            f"    basic_auth: {{username: alice, password: {PASSWORDS['alice']}}}\n"
        )
        prometheus = harness.Prometheus(self, exporter.address, how)
        prometheus.expect_health()
        prometheus.expect("promshm_up", {"promshm_up{}": 0})

    def test_a_real_prometheus_finds_pods_of_a_node_over_tls_with_a_password(self):
        self.configure(TLS + USERS)
        flags = ["--web.listen-address=127.0.0.1:0", "--node.poll=100ms", f"--web.config.file={self.file('web.yml')}"]
        node = harness.Process(self, "node", [harness.EXPORTER, "node", *flags])
        node.address = node.wait_for(r"""address"?[=:]"?([^\s"]+:\d+)""").group(1)
        code = "(new Promshm\\Counter('jobs_total', 'Jobs.'))->incBy(7); echo 'counted'; fgets(STDIN);"
        # In an IPC namespace of its own: a pod is all that counts in one, and in this one others may.
        worker = harness.Worker(self, self.segment, "-r", code, through=("unshare", "--ipc"))
        worker.wait_for("counted")
        for path in ("/sd", "/pods", "/metrics"):
            self.assertEqual((self.status(node, path=path), self.status(node, *self.user("alice"), path=path)), (401, 200), path)
        how = {
            "tls_config": {"ca_file": str(self.file("ca.pem"))},
            "basic_auth": {"username": "alice", "password": PASSWORDS["alice"]},
        }
        discovery = {"url": f"https://{node.address}/sd", "refresh_interval": "1s", **how}
        job = {"job_name": "pods", "scheme": "https", **how, "http_sd_configs": [discovery]}
        interval = {"scrape_interval": "1s", "scrape_timeout": "1s"}
        self.file("prometheus.yml").write_text(json.dumps({"global": interval, "scrape_configs": [job]}))
        words = ["prometheus", f"--config.file={self.file('prometheus.yml')}", f"--storage.tsdb.path={self.file('tsdb')}"]
        number = os.stat(f"/proc/{worker.pid}/ns/ipc").st_ino
        harness.Prometheus(self, command=words).expect(f'sum(jobs_total{{ipc_namespace="{number}"}})', {"{}": 7})

    def test_slow_handshakes_use_one_connection_each(self):
        exporter = self.exporter(TLS + USERS)
        host, port = exporter.address.rsplit(":", 1)
        hello = bytes.fromhex("1603010200010001fc0303") + b"x" * 40  # the beginning of a ClientHello
        clients = [socket.create_connection((host, int(port)), harness.WATCHDOG) for _ in range(400)]
        for client in clients[::2]:
            client.sendall(hello)
        took = []
        for _ in range(20):
            started = time.monotonic()
            self.assertEqual(self.status(exporter, *self.user("alice")), 200)
            took.append(time.monotonic() - started)
        status = pathlib.Path(f"/proc/{exporter.pid}/status").read_text()
        memory = int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024
        print(f"longest {max(took) * 1000:.0f} ms with curl's start; {memory / (1 << 20):.1f} MiB ...", file=sys.stderr, end=" ")
        self.assertLess(memory, 16 << 20)
        for client in clients:
            self.assertEqual(client.recv(1), b"", "the handshake has a deadline")
            client.close()
