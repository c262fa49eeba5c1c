"""Goal: a real broker that wants to know who is there. Each way in counts to the
registers of a real redis-server; each way to be turned away says what is wrong,
where, and what to do, ends --validate with 78 and never ends a running count;
the rights that the documentation names are enough, and each is needed; and no
secret is ever said."""
import base64
import concurrent.futures
import pathlib
import re
import shlex
import signal
import subprocess

import confluent_kafka
import kafka
import pytest
from confluent_kafka.admin import (AclBinding, AclBindingFilter, AclOperation,
                                   AclPermissionType, ResourcePatternType, ResourceType)
from frames import stream
from oracle import Oracle
from programs import parse_logfmt, wait_for
from secure_kafka import KEY_PASSWORD, LISTENERS, USERS, Certificates, SecureBroker, client_of
from topics import Topics

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "SECURITY.md"
CONFIG = 78
# Which librdkafka takes part in the SCRAM of brokers from 4.0 on.
SCRAM_SINCE = (2, 6, 1)
FAST = ["--emit-every", "200ms", "-X", "session.timeout.ms=3000", "-X",
        "heartbeat.interval.ms=300"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure(request, certificates):
    with SecureBroker(request.config.getoption("--kafka"), certificates) as server:
        server.create_topic("frames", 2)
        yield server


@pytest.fixture(scope="module")
def before_4(request, certificates):
    with SecureBroker(request.config.getoption("--kafka"), certificates,
                      ["SCRAM-SHA-256", "SCRAM-SHA-512"], kafka.BEFORE_4) as server:
        yield server


@pytest.fixture
def newer_library(scratch):
    """The environment in which the programs find it."""
    (found,) = pathlib.Path(confluent_kafka.__file__).parents[1].glob(
        "confluent_kafka.libs/librdkafka*.so*")
    (scratch / "librdkafka.so.1").symlink_to(found)
    return {"LD_LIBRARY_PATH": str(scratch)}


@pytest.fixture(scope="module")
def inside(secure):
    """The broker seen by who may do everything."""
    return Topics(secure.bootstrap)


@pytest.fixture(scope="module")
def frames():
    return stream(73, 5000, users=3000, rate=60.0)


@pytest.fixture(scope="module")
def truth(redis, frames):
    return Oracle(redis).add_frames(frames)


@pytest.fixture
def secret(scratch):
    """A file of ours with a secret in it, as the value of a property."""
    def write(text, mode=0o600):
        path = scratch / f"secret-{len(list(scratch.glob('secret-*')))}"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        path.chmod(mode)
        return f"@{path}"
    return write


def certified(certificates, secret, way):
    """The properties that differ from those of the listener alone."""
    return {
        "tls": {"sasl_password": secret(USERS["alice"] + "\n")},
        "mutual": {},
        "mutual, locked key": {"ssl_key_location": certificates.path("locked.key"),
                               "ssl_key_password": secret(KEY_PASSWORD + "\r\n")},
        "mutual, store": {"ssl_certificate_location": None, "ssl_key_location": None,
                          "ssl_keystore_location": certificates.path("client.p12"),
                          "ssl_keystore_password": secret(KEY_PASSWORD)},
        "mutual, key as it is": {
            "ssl_key_location": None,
            "ssl_key_pem": secret(pathlib.Path(certificates.path("client.key")).read_text())},
        "plain": {"sasl_password": secret(USERS["alice"])},
    }[way]


@pytest.mark.parametrize("way", ["tls", "mutual", "mutual, locked key", "mutual, store",
                                 "mutual, key as it is", "plain"])
def test_every_way_in(programs, secure, inside, certificates, secret, frames, truth, way):
    listener = way.partition(",")[0]
    name = re.sub(r"\W+", "-", way)
    inside.create(name, 2)
    inside.produce(name, [frame.line for frame in frames])
    options = ["-b", secure.address[listener], "-t", name, "-G", f"{name}-group",
               "-o", f"{name}-out", *FAST,
               *client_of(certificates, listener, **certified(certificates, secret, way))]
    done = programs.count(*options, "-e")
    out = inside.read(f"{name}-out")
    truth.check(programs, out)
    programs.verify(out)
    assert inside.committed(f"{name}-group", name) == inside.ends(name)
    assert ("password_in_clear" in done.err) == (listener == "plain")
    assert programs.count(*options, "--validate").out.endswith(b"configuration ok\n")


def unlike(certificates):
    """{what is wrong: (listener, as if it were, properties, words of the answer)}"""
    path = certificates.path
    no_pair = {"ssl_certificate_location": None, "ssl_key_location": None}
    return {
        "wrong authority": ("tls", "tls", {"ssl_ca_location": path("other-ca.pem")},
                            ["not signed by whom ssl.ca.location names"]),
        "the system's authorities": ("tls", "tls", {"ssl_ca_location": None},
                                     ["not signed by whom", "this system trusts"]),
        "wrong host": ("stranger", "stranger", {}, ["certificate is for another"]),
        "expired": ("expired", "expired", {}, ["certificate has expired"]),
        "no certificate": ("mutual", "mutual", no_pair, ["wants a certificate of the client"]),
        "unknown certificate": (
            "mutual", "mutual", {"ssl_certificate_location": path("other-client.pem"),
                                 "ssl_key_location": path("other-client.key")},
            ["refuses this client's certificate"]),
        "old certificate": (
            "mutual", "mutual", {"ssl_certificate_location": path("old-client.pem"),
                                 "ssl_key_location": path("old-client.key")},
            ["refuses this client's certificate", "in date"]),
        "wrong password": ("tls", "tls", {"sasl_password": "planted-wrong-one"},
                           ["Invalid username or password", "check sasl.username"]),
        "unknown user": ("tls", "tls", {"sasl_username": "mallory"}, ["check sasl.username"]),
        "wrong password in clear": ("plain", "plain", {"sasl_password": "planted-wrong-one"},
                                    ["check sasl.username"]),
        "no TLS to TLS": ("tls", "open", {}, ["may want TLS", "security.protocol"]),
        "TLS to no TLS": ("open", "stranger", {}, ["may speak no TLS", "security.protocol"]),
        "SASL to none": ("open", "plain", {}, ["takes no SASL"]),
        "none to SASL": ("plain", "open", {}, ["security.protocol"]),
        "TLS alone to SASL": ("tls", "stranger", {}, ["security.protocol", "sasl.mechanism"]),
        "wrong mechanism": ("tls", "tls", {"sasl_mechanism": "SCRAM-SHA-512"},
                            ["Unsupported SASL mechanism", "PLAIN,SCRAM-SHA-256"]),
        "no right": ("tls", "tls", {"sasl_username": "counter",
                                    "sasl_password": USERS["counter"]},
                     ["frames", "authorization failed", "allow this user"]),
    }


def validate(programs, secure, certificates, case):
    listener, as_if, properties, words = case
    return (programs.count("-b", secure.address[listener], "-t", "frames", "--validate",
                           *client_of(certificates, as_if, **properties), code=CONFIG),
            listener, words)


def test_every_refusal_says_what_to_do(programs, secure, certificates):
    cases = unlike(certificates)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        found = {name: pool.submit(validate, programs, secure, certificates, case)
                 for name, case in cases.items()}
    for name, future in found.items():
        done, listener, words = future.result()
        errors = [line for line in done.out.decode().splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, (name, done)
        assert all(word in errors[0] for word in words), (name, errors)
        assert name == "no right" or secure.address[listener] in errors[0], (name, errors)
        assert "planted-wrong-one" not in done.err + done.out.decode()
        assert USERS["alice"] not in done.err + done.out.decode(), name


@pytest.mark.parametrize("properties, words", [
    ({"ssl_key_location": "other-client.key"}, ["not the key of"]),
    ({"ssl_key_location": "locked.key"}, ["ssl.key.location", "ssl.key.password"]),
    ({"ssl_key_location": "locked.key", "ssl_key_password": "planted-wrong-one"},
     ["ssl.key.location", "ssl.key.password"]),
    ({"ssl_key_location": "ca.pem"}, ["ssl.key.location", "PEM"]),
    ({"ssl_certificate_location": "client.key"}, ["ssl.certificate.location", "PEM"]),
    ({"ssl_ca_location": "client.key"}, ["ssl.ca.location", "PEM"]),
    ({"ssl_ca_location": "nowhere.pem"}, ["ssl.ca.location", "nowhere.pem", "No such file"]),
    ({"ssl_certificate_location": None, "ssl_key_location": None,
      "ssl_keystore_location": "client.p12", "ssl_keystore_password": "planted-wrong-one"},
     ["client.p12", "ssl.keystore.password"])])
def test_what_is_wrong_before_any_broker(programs, certificates, properties, words):
    """Also without --validate it is the configuration that is wrong."""
    properties = {key: value and (certificates.path(value) if key.endswith("location") else value)
                  for key, value in properties.items()}
    for more in (["--validate"], []):
        done = programs.count("-b", "127.0.0.1:1", "-t", "frames", *more,
                              *client_of(certificates, "mutual", **properties), code=CONFIG)
        said = done.err.splitlines()[-1]
        assert said.startswith("headcountd: -X") and all(word in said for word in words), said
        assert "planted-wrong-one" not in done.err


def test_a_running_count_keeps_trying(programs, secure, certificates):
    """It says what is wrong, goes on, and a signal ends it in order."""
    cases = {name: case for name, case in unlike(certificates).items() if name in (
        "wrong authority", "wrong host", "expired", "no certificate", "wrong password",
        "TLS to no TLS")}
    daemons = {name: programs.start(
        "-b", secure.address[listener], "-t", "frames", "-o", "nothing-out",
        *client_of(certificates, as_if, **properties))
        for name, (listener, as_if, properties, _) in cases.items()}
    try:
        for name, daemon in daemons.items():
            words = cases[name][3]

            def told(daemon=daemon, words=words):
                return [event for event in daemon.events("kafka_log")
                        if all(word in event["text"] for word in words)]
            daemon.wait_for(told, f"what is wrong: {name}")
        for name, daemon in daemons.items():
            daemon.wait_for(lambda daemon=daemon: daemon.events("output_waiting"),
                            f"the wait for the output: {name}")
            daemon.signal(signal.SIGTERM)
        for name, daemon in daemons.items():
            done = daemon.done(limit_s=15)
            assert done.code == 0 and "nothing was read" in done.err, (name, done)
            assert "planted-wrong-one" not in done.err
    finally:
        for daemon in daemons.values():
            daemon.kill()
    assert "nothing-out" not in Topics(secure.bootstrap).names()


def count_by_scram(programs, server, properties, frames, truth, env=None):
    """Counts all of a topic, and compares."""
    inside, name = Topics(server.bootstrap), f"scram-{len(Topics(server.bootstrap).names())}"
    inside.create(name, 2)
    inside.produce(name, [frame.line for frame in frames])
    done = programs.count("-t", name, "-G", f"{name}-group", "-o", f"{name}-out", "-e", *FAST,
                          *properties, env=env)
    out = inside.read(f"{name}-out")
    truth.check(programs, out)
    programs.verify(out)
    assert inside.committed(f"{name}-group", name) == inside.ends(name)
    return done


def scram(server, certificates, secret, listener, mechanism, password=USERS["alice"]):
    return ["-b", server.address[listener], *client_of(
        certificates, listener, sasl_mechanism=mechanism, sasl_password=secret(password))]


def library_version(programs, env=None):
    said = programs.count("--version", env=env).out.decode()
    return tuple(map(int, re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", said).groups()))


@pytest.mark.parametrize("listener", ["plain", "tls"])
def test_scram_or_why_not(programs, secure, certificates, secret, listener):
    """With an older library brokers from 4.0 on answer as to a wrong password."""
    old = library_version(programs) < SCRAM_SINCE
    done = programs.count(*scram(secure, certificates, secret, listener, "SCRAM-SHA-256"),
                          "-t", "frames", "--validate", code=CONFIG if old else 0)
    told = [event for event in parse_logfmt(done.err) if event["event"] == "scram_unsupported"]
    assert bool(told) == old
    if old:
        assert "2.6.1 or later is needed" in told[0]["text"]
        assert "2.6.1 or later" in told[-1]["text"] and "SASL" in told[-1]["text"]
        assert "2.6.1 or later" in done.out.decode()


@pytest.mark.parametrize("listener, mechanism", [("tls", "SCRAM-SHA-256"),
                                                 ("plain", "SCRAM-SHA-512")])
def test_scram_with_brokers_before_4(programs, before_4, certificates, secret, frames, truth,
                                     listener, mechanism):
    """They take the SCRAM of any library; who has the wrong password stays out."""
    words = scram(before_4, certificates, secret, listener, mechanism)
    count_by_scram(programs, before_4, words, frames, truth)
    words = scram(before_4, certificates, secret, listener, mechanism, "planted-wrong-one")
    done = programs.count(*words, "-t", "frames", "--validate", code=CONFIG)
    assert b"check sasl.username and sasl.password" in done.out


def test_scram_with_a_newer_library(programs, secure, certificates, secret, frames, truth,
                                    newer_library):
    """The one that came with the client that the tests look with, in place of the system's."""
    assert library_version(programs, newer_library) >= SCRAM_SINCE
    words = scram(secure, certificates, secret, "tls", "SCRAM-SHA-256")
    done = count_by_scram(programs, secure, words, frames, truth, newer_library)
    assert "scram_unsupported" not in done.err
    words = scram(secure, certificates, secret, "tls", "SCRAM-SHA-256", "planted-wrong-one")
    done = programs.count(*words, "-t", "frames", "--validate", code=CONFIG, env=newer_library)
    assert b"check sasl.username and sasl.password" in done.out and b"2.6.1" not in done.out


def planted(secret, certificates, way):
    """Properties whose secrets are all markers, one kind or as many as go together."""
    path = certificates.path
    return {
        "password": ("tls", {"sasl_password": secret("PLANTED-one")}),
        "SCRAM": ("tls", {"sasl_password": secret("PLANTED-two"),
                          "sasl_mechanism": "SCRAM-SHA-256"}),
        "key password": ("mutual", {"ssl_key_location": path("planted.key"),
                                    "ssl_key_password": secret("PLANTED-three")}),
        "store password": ("mutual", {"ssl_certificate_location": None, "ssl_key_location": None,
                                      "ssl_keystore_location": path("planted.p12"),
                                      "ssl_keystore_password": secret("PLANTED-four")}),
        "the key": ("mutual", {"ssl_key_location": None, "ssl_key_pem": secret(
            pathlib.Path(path("client.key")).read_text())}),
        "token": ("tls", {"sasl_mechanism": "OAUTHBEARER", "sasl_username": None,
                          "sasl_password": None, "enable_sasl_oauthbearer_unsecure_jwt": "true",
                          "sasl_oauthbearer_config": secret("principal=PLANTED-five")}),
    }[way]


@pytest.fixture(scope="module")
def planted_keys(certificates):
    for command in (["pkcs8", "-topk8", "-in", "client.key", "-out", "planted.key",
                     "-passout", "pass:PLANTED-three"],
                    ["pkcs12", "-export", "-in", "client.pem", "-inkey", "client.key",
                     "-out", "planted.p12", "-passout", "pass:PLANTED-four"]):
        subprocess.run(["openssl", *command], cwd=certificates.folder, check=True)
    pem = pathlib.Path(certificates.path("client.key")).read_text()
    key = [line for line in pem.splitlines() if "-----" not in line]
    markers = [b"PLANTED-"] + [line.encode()[:40] for line in key]
    return markers + [base64.b64encode(b"\0alice\0PLANTED-one")[4:16]]


@pytest.mark.parametrize("log", ["logfmt", "json"])
def test_no_secret_is_ever_said(programs, secure, certificates, secret, planted_keys, log):
    """At the most talkative levels of ours and of librdkafka, in all that is written."""
    ways = ["password", "SCRAM", "key password", "store password", "the key", "token"]
    daemons = []
    try:
        for way in ways:
            listener, properties = planted(secret, certificates, way)
            daemons.append(programs.start(
                "-b", secure.address[listener], "-t", "frames", "-o", "planted-out", "-v",
                "--log-format", log, "-X", "debug=all", *FAST,
                *client_of(certificates, listener, **properties)))
        for way, daemon in zip(ways, daemons):
            daemon.wait_for(lambda daemon=daemon: len(daemon.err) > 20000, f"much talk: {way}")
            daemon.signal(signal.SIGTERM)
        for way, daemon in zip(ways, daemons):
            done = daemon.done()
            for text in (done.err.encode(), done.out):
                assert not [marker for marker in planted_keys if marker in text], (way, log)
    finally:
        for daemon in daemons:
            daemon.kill()


def documented_rights():
    """The kafka-acls lines of the documentation, as (resource, name, operations)."""
    lines = re.findall(r"^kafka-acls .*--add .*$", DOCS.read_text(), re.M)
    found = []
    for line in lines:
        words = shlex.split(line)
        given = list(zip(words, words[1:]))
        assert ("--allow-principal", "User:counter") in given, line
        kind = "topic" if "--topic" in words else "group"
        found.append((kind, dict(given)[f"--{kind}"],
                      [word for option, word in given if option == "--operation"]))
    return found


def binding(kind, name, operation):
    words = re.sub(r"(?<!^)([A-Z])", r"_\1", operation).upper()
    return AclBinding(getattr(ResourceType, kind.upper()), name, ResourcePatternType.LITERAL,
                      "User:counter", "*", AclOperation[words], AclPermissionType.ALLOW)


@pytest.fixture
def rights(inside):
    """Puts rights in force, and takes all of them away in the end."""
    everything = AclBindingFilter(ResourceType.ANY, None, ResourcePatternType.ANY, None, None,
                                  AclOperation.ANY, AclPermissionType.ANY)

    def grant(bindings):
        inside.admin.delete_acls([everything])[everything].result(30)
        for future in (inside.admin.create_acls(bindings) if bindings else {}).values():
            future.result(30)
        wait_for(lambda: len(inside.admin.describe_acls(everything).result(30)) == len(bindings),
                 "the rights in force")
    yield grant
    grant([])


def test_the_documented_rights_are_enough_and_needed(programs, secure, inside, certificates,
                                                     frames, truth, rights):
    granted = documented_rights()
    assert [kind for kind, _, _ in granted] == ["topic", "group", "topic"]
    source, group, output = (name for _, name, _ in granted)
    inside.create(source, 1)
    inside.produce(source, [frame.line for frame in frames])
    bindings = [binding(kind, name, operation) for kind, name, operations in granted
                for operation in operations]
    options = ["-b", secure.address["tls"], "-t", source, "-G", group, "-o", output, *FAST, "-e",
               *client_of(certificates, "tls", sasl_username="counter",
                          sasl_password=USERS["counter"])]
    # Without the right to create, and with a topic that is not there.
    rights([each for each in bindings if each.operation != AclOperation.CREATE])
    done = programs.count(*options, code=CONFIG)
    assert f"topic {output} does not exist and can't be created" in done.err
    rights(bindings)
    done = programs.count(*options)
    assert "authorization" not in done.err.lower() and "output_unchecked" not in done.err
    out = inside.read(output)
    truth.check(programs, out)
    programs.verify(out)
    assert inside.committed(group, source) == inside.ends(source)
    for left_out in bindings:
        if left_out.operation == AclOperation.CREATE:
            continue
        rights([each for each in bindings if each is not left_out])
        inside.produce(source, [frame.line for frame in frames[:10]])
        with programs.start(*options) as daemon:
            daemon.wait_for(lambda daemon=daemon: "authorization failed" in daemon.err.lower(),
                            f"what is missed without {left_out}")


def test_listeners_are_as_they_are_called():
    """All kinds of listeners that the client can be asked for are tried."""
    assert set(LISTENERS.values()) == {"PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"}
