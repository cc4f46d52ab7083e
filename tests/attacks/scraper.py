#!/usr/bin/env python3
"""Ordinary scrapes, again and again: on a connection of its own each time (`new`), or on one that is kept (`kept`).

It is a program of its own because Python runs one thread at a time: beside the attacks, each scrape would wait for
their turns. Prints a line of JSON for each scrape: how many seconds it took, or why it was not answered.

    scraper.py HOST:PORT (new|kept) SERIES
"""

import http.client
import json
import sys
import time

import harness

PAUSE = 0.02  # seconds between two scrapes


def scrape(address, connection, series):
    """As Prometheus does: a kept connection that has ended is tried anew, once."""
    for kept in (connection, None):
        client = kept or http.client.HTTPConnection(address, timeout=harness.WATCHDOG)
        try:
            client.request("GET", "/metrics", headers={"Accept": "text/plain"})
            answer = client.getresponse()
            page = answer.read()
        except (ConnectionError, http.client.RemoteDisconnected):
            if kept:
                continue
            raise
        if answer.status != 200 or page.count(b"\nattacked_total{") != series:
            raise AssertionError(f"status {answer.status}, {len(page)} bytes")
        return client


def main(address, kind, series):
    connection = None
    while True:
        report = {"connection": kind}
        started = time.monotonic()
        try:
            connection = scrape(address, connection, int(series))
        except Exception as error:  # whatever it is, the scrape was not answered
            report["failure"] = repr(error)
            connection = None
        report["seconds"] = time.monotonic() - started
        print(json.dumps(report), flush=True)
        if kind == "new" and connection:
            connection.close()
            connection = None
        time.sleep(PAUSE)


if __name__ == "__main__":
    main(*sys.argv[1:])
