"""Whole requests, one after the other in one process, as a child of php-fpm serves them: php-cgi repeats a script so."""

import os
import resource
import shutil
import subprocess

import calls
import harness

SCRIPT = calls.HERE / "requests_of_php.php"
PROMPHP_NEEDS = {
    "apcu": ["extension=apcu", "apc.enabled=1"],
    "apcng": ["extension=apcu", "apc.enabled=1"],
    "redis": ["extension=igbinary", "extension=redis"],
}
# What is measured: its name, BENCH_WAY, and the settings that it needs.
WAYS = [
    ("PHP alone", "none", []),
    ("promshm loaded, not used", "none", ["promshm"]),
    ("promshm", "promshm", ["promshm"]),
]
OF_PROMPHP = [(f"PromPHP on {name}", way, PROMPHP_NEEDS[way]) for name, way in (("APCu", "apcu"), ("APCu (APCng)", "apcng"), ("Redis", "redis"))]


def ways():
    """PromPHP is measured where PROMPHP names a checkout of it."""
    return WAYS + (OF_PROMPHP if os.environ.get("PROMPHP") else [])


def php_cgi():
    found = os.environ.get("PHP_CGI") or shutil.which("php-cgi")
    if not found:
        raise RuntimeError("php-cgi is missing: install it, or name it by PHP_CGI")
    return found


def command(settings, segment, rounds):
    ours = [f"extension={harness.EXTENSION}", f"promshm.segment={segment}"]
    settings = ["zend_extension=opcache", *(ours if settings == ["promshm"] else settings)]
    flags = [word for setting in settings for word in ("-d", setting)]
    return [php_cgi(), "-n", "-q", *flags, "-T", str(rounds), str(SCRIPT)]


def run(words, way):
    """Runs it, and raises if the script said anything that it should not: the time alone is printed, on stderr."""
    done = subprocess.run(words, env=dict(os.environ, BENCH_WAY=way), capture_output=True, text=True, timeout=600)
    if done.returncode or "rror" in done.stdout or "arning" in done.stdout:
        raise RuntimeError(f"{words} failed:\n{done.stdout}{done.stderr}")
    return done


def instructions(way, settings, segment, few=20, many=120):
    """Instructions of one request."""
    os.environ["BENCH_WAY"] = way
    few_cost, many_cost = (calls.callgrind(command(settings, segment, rounds)) for rounds in (few, many))
    return round((many_cost - few_cost) / (many - few))


def system_calls(way, settings, segment, few=20, many=220):
    """System calls of one request."""
    count = lambda rounds: len(run(["strace", "-qq", *command(settings, segment, rounds)], way).stderr.splitlines())
    return (count(many) - count(few)) / (many - few)


def microseconds(way, settings, segment, few=100, many=2_100):
    """CPU time of one request in the process of PHP: a server that it asks has its own."""

    def spent(rounds):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(command(settings, segment, rounds), way)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return (spent(many) - spent(few)) / (many - few) * 1e6
