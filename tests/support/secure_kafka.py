"""A real Kafka that wants to know who is there: TLS, mutual TLS, SASL, ACLs.

One node with a listener for each way in. Who comes in by PLAINTEXT may do
everything (that is how tests look behind the scenes), and so may alice and the
holder of a client certificate; everybody else what the ACLs allow.

    open        PLAINTEXT, for the test itself
    tls         TLS, SASL/PLAIN or SCRAM inside
    mutual      TLS that asks for the client's certificate
    plain       SASL without TLS
    stranger    TLS with a certificate for another host
    expired     TLS with a certificate that is out of date
"""
import subprocess

import kafka

LISTENERS = {"open": "PLAINTEXT", "tls": "SASL_SSL", "mutual": "SSL", "plain": "SASL_PLAINTEXT",
             "stranger": "SSL", "expired": "SSL"}
USERS = {"alice": "alice-secret", "counter": "counter-secret"}
KEY_PASSWORD = "key-secret"
JAAS = "org.apache.kafka.common.security"


def _openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Certificates:
    """An authority, what it signed, and another authority that nobody trusts."""

    CURVE = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]

    def __init__(self, folder):
        self.folder = folder
        for name in ("ca", "other-ca"):
            _openssl(folder, "req", "-x509", *self.CURVE, "-days", "2", "-keyout", f"{name}.key",
                     "-out", f"{name}.pem", "-subj", f"/CN={name}")
        self._sign("server", "IP:127.0.0.1,DNS:localhost")
        self._sign("stranger", "DNS:elsewhere.example")
        self._sign("expired", "IP:127.0.0.1", days=-1)
        self._sign("client", "DNS:client.example")
        self._sign("old-client", "DNS:client.example", days=-1)
        self._sign("other-client", "DNS:client.example", authority="other-ca")
        _openssl(folder, "pkcs8", "-topk8", "-in", "client.key", "-out", "locked.key",
                 "-passout", f"pass:{KEY_PASSWORD}")
        _openssl(folder, "pkcs12", "-export", "-in", "client.pem", "-inkey", "client.key",
                 "-out", "client.p12", "-passout", f"pass:{KEY_PASSWORD}")

    def _sign(self, name, names, days=2, authority="ca"):
        _openssl(self.folder, "req", *self.CURVE, "-keyout", f"{name}.key", "-out",
                 f"{name}.csr", "-subj", f"/CN={name}")
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        _openssl(self.folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem",
                 "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", str(days),
                 "-extfile", f"{name}.ext", "-out", f"{name}.pem")
        both = (self.folder / f"{name}.key").read_text() + (
            self.folder / f"{name}.pem").read_text()
        (self.folder / f"{name}-store.pem").write_text(both)

    def path(self, name):
        return str(self.folder / name)


class SecureBroker(kafka.Broker):
    """`address` has the bootstrap address of each listener; `scram` names mechanisms."""

    def __init__(self, build_dir, certificates, scram=("SCRAM-SHA-256",), version=kafka.NOW):
        self.certificates, self.scram = certificates, scram
        super().__init__(build_dir, version=version)

    def _write_properties(self, controller, extra):
        others = [name for name in LISTENERS if name != "open"]
        ports = dict(zip(others, kafka.free_ports(len(others))))
        self.address = {name: f"127.0.0.1:{port}" for name, port in ports.items()}
        self.address["open"] = self.bootstrap
        listeners = ",".join(f"{name.upper()}://{self.address[name]}" for name in LISTENERS)
        protocols = ",".join(f"{name.upper()}:{kind}" for name, kind in LISTENERS.items())
        super()._write_properties(controller, {
            "listeners": f"{listeners},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": listeners,
            "inter.broker.listener.name": "OPEN",
            "listener.security.protocol.map": f"CONTROLLER:PLAINTEXT,{protocols}",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS;User:alice;User:CN=client",
            "group.min.session.timeout.ms": "500",
            "sasl.enabled.mechanisms": ",".join(["PLAIN", *self.scram]),
            **self._tls("tls", "server"), **self._sasl("tls"), **self._sasl("plain"),
            **self._tls("mutual", "server", client=True), **self._tls("stranger", "stranger"),
            **self._tls("expired", "expired"), **extra})

    def _tls(self, listener, certificate, client=False):
        store = f"listener.name.{listener}.ssl"
        found = {f"{store}.keystore.type": "PEM",
                 f"{store}.keystore.location": self.certificates.path(f"{certificate}-store.pem"),
                 f"{store}.truststore.type": "PEM",
                 f"{store}.truststore.location": self.certificates.path("ca.pem")}
        if client:
            found[f"{store}.client.auth"] = "required"
        return found

    def _sasl(self, listener):
        users = " ".join(f'user_{name}="{password}"' for name, password in USERS.items())
        config = f"listener.name.{listener}"
        return {f"{config}.plain.sasl.jaas.config":
                f"{JAAS}.plain.PlainLoginModule required {users};"} | {
                    f"{config}.{mechanism.lower()}.sasl.jaas.config":
                    f"{JAAS}.scram.ScramLoginModule required;" for mechanism in self.scram}

    def _format(self):
        scram = [word for mechanism in self.scram for name, password in USERS.items() for word in
                 ("--add-scram", f"{mechanism}=[name={name},password={password}]")]
        subprocess.run(
            self._java("kafka.tools.StorageTool", "format", "-t", "aGVhZGNvdW50LWthZmthIQ",
                       "-c", str(self.path / "server.properties"), *scram),
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, cwd=self.path)


def client_of(certificates, name, **properties):
    """The -X options for the listener, over them what is given (None takes one away)."""
    kind = LISTENERS[name]
    found = {"security.protocol": kind.lower()}
    if "SSL" in kind:
        found["ssl.ca.location"] = certificates.path("ca.pem")
    if "SASL" in kind:
        found.update({"sasl.mechanism": "PLAIN", "sasl.username": "alice",
                      "sasl.password": USERS["alice"]})
    if name == "mutual":
        found.update({"ssl.certificate.location": certificates.path("client.pem"),
                      "ssl.key.location": certificates.path("client.key")})
    found.update({key.replace("_", "."): value for key, value in properties.items()})
    return [word for key, value in found.items() if value is not None
            for word in ("-X", f"{key}={value}")]
