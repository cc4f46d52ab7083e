#!/usr/bin/env python3
"""Simulated exporters: exporters.py COUNT TEMPLATE. Each has a loopback address of its own, and pages like the
template, which is one of the real exporter's, with numbers that go on from scrape to scrape.

Answers each line of its input with what was served so far, as JSON, and ends with its input.
"""

import asyncio
import json
import pathlib
import random
import re
import sys
import zlib

PORT = 10200


def address(number):
    return f"127.1.{number // 250}.{number % 250 + 1}"


def steps(page):
    """The page as pairs of text and what the number after it does: nothing, or one of the ways of step()."""
    types, found, text = {}, [], ""
    for line in page.splitlines(keepends=True):
        if line.startswith("#"):
            if line.startswith("# TYPE "):
                types.update([line.split()[2:4]])
            text += line
            continue
        series, value = line.rsplit(" ", 1)
        name = re.match(r"\w+", series).group()
        family = next(each for each in (name, re.sub(r"_(total|bucket|sum|count)$", "", name)) if each in types)
        constant = name.endswith(("_info", "_time_seconds")) or types[family] == "info"
        way = "constant" if constant else {"histogram": name.removeprefix(f"{family}_")}.get(types[family], types[family])
        found.append((f"{text}{series} ", way, float(value)))
        text = ""
    return found, text


class Exporter:
    """One pod's page. Whole numbers stay whole, buckets cumulative."""

    served = {"pages": 0, "page_bytes": 0, "sent_bytes": 0}

    def __init__(self, template):
        (self.steps, self.end), self.dice = template, random.Random()
        self.values = [value for *_, value in self.steps]

    def page(self):
        lines, observed, before = [], 0, None
        for place, (text, way, _) in enumerate(self.steps):
            if way == "bucket":
                observed = self.dice.randrange(4) + (observed if before == way else 0)
            before = way
            value = self.values[place] = self.step(way, self.values[place], observed)
            lines.append(f"{text}{int(value) if value.is_integer() else value!r}\n")
        return ("".join(lines) + self.end).encode()

    def step(self, way, value, observed):
        match way:
            case "bucket" | "count":
                return value + observed
            case "sum":
                return value + observed * self.dice.random()
            case "gauge":
                return float(self.dice.randrange(8))
            case "counter":
                return value + self.dice.randrange(20)
        return value

    async def answer(self, reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                page = self.page()
                packer = zlib.compressobj(level=1, wbits=31)
                body = packer.compress(page) + packer.flush()
                self.served["pages"] += 1
                self.served["page_bytes"] += len(page)
                self.served["sent_bytes"] += len(body)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"
                    b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the scraper has disconnected
        finally:
            writer.close()


async def main(count, template):
    for number in range(count):
        await asyncio.start_server(Exporter(template).answer, address(number), PORT)
    loop = asyncio.get_running_loop()
    print("listening", flush=True)
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(Exporter.served), flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), steps(pathlib.Path(sys.argv[2]).read_text())))
