#!/usr/bin/env python3
"""Every interleaving of small segments that begin generations: is anything lost, doubled, torn, or back?

docs/internals/generations.md explains the protocol. Each model below is one part of it, with few processes and few
cells; a search visits all states that any order of their steps can reach, with deaths in between.

    generations.py                       checks all models
    generations.py MODEL --without RULE  leaves one rule out, and prints the steps that break a promise
"""

import sys
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple


def put(values: tuple, at: int, value: object) -> tuple:
    return (*values[:at], value, *values[at + 1 :])


def generation(phase: int) -> int:
    """Phases: 3g is generation g alone; 3g - 2 also has the old half; 3g - 1 gives it back."""
    return (phase + 2) // 3


CARRYING, FREEING = 1, 2


class Proc(NamedTuple):
    pc: str = "idle"
    known: int = 0  # the generation that it works in
    stamp: int = 0  # the epoch at which its handle was looked up
    half: int = 0  # the generation whose cells its handle points to


class Scrape(NamedTuple):
    pc: str = "rest"
    phase: int = 0
    words: tuple = ()
    values: tuple = ()
    last: int = 0
    done: int = 0


class Carry:
    """Owners of two slots count, die and are inherited; halves are begun, carried and given back; a reader adds up.

    A count is two stores (a bucket and the sum), so it can be carried or read half-way.
    """

    RULES = frozenset({"zero", "recheck", "words", "all", "owner", "announce"})

    class State(NamedTuple):
        phase: int = 0
        epoch: int = 0
        announced: int = 0
        words: tuple = (0, 0)
        cells: tuple = (((0, 0), (0, 0)), ((0, 0), (0, 0)))  # by half, then by slot: bucket and sum
        acked: int = 0
        procs: tuple = (Proc(), Proc())
        reader: Scrape = Scrape()
        deaths: int = 0
        torn: int = 0  # deaths between the two stores of a count

    def __init__(self, rules: frozenset, flips: int = 1, counts: int = 1, deaths: int = 1, scrapes: int = 2):
        self.rules, self.flips, self.counts, self.deaths, self.scrapes = rules, flips, counts, deaths, scrapes

    def start(self) -> "Carry.State":
        return self.State()

    def steps(self, s: "Carry.State") -> Iterator[tuple]:
        now = generation(s.phase)
        if s.phase % 3 == 0 and now < self.flips:
            yield "a generation begins", s._replace(phase=s.phase + 1)
        if s.announced < now:
            yield "it is announced", s._replace(epoch=s.epoch + 1, announced=now)
        turned = [word == now for word in s.words]
        if s.phase % 3 == CARRYING and (all(turned) if "all" in self.rules else any(turned)):
            yield "giving back begins", s._replace(phase=s.phase + 1)
        if s.phase % 3 == FREEING:
            empty = put(s.cells, (now - 1) % 2, ((0, 0), (0, 0)))
            yield "the old half is given back", s._replace(cells=empty, phase=s.phase + 1)
        for slot, proc in enumerate(s.procs):
            yield from self.owner(s, slot, proc)
        yield from self.read(s)

    def owner(self, s: "Carry.State", slot: int, proc: Proc) -> Iterator[tuple]:
        now = generation(s.phase)

        def to(state: "Carry.State" = s, **changes: object) -> "Carry.State":
            return state._replace(procs=put(state.procs, slot, proc._replace(**changes)))

        def store(gen: int, cell: int, value: int) -> "Carry.State":
            half = s.cells[gen % 2]
            return s._replace(cells=put(s.cells, gen % 2, put(half, slot, put(half[slot], cell, value))))

        if proc.pc == "dead":
            yield f"{slot} is claimed", to(pc="idle", known=s.words[slot], stamp=-1)
            return
        if s.deaths < self.deaths:
            yield f"{slot} dies", to(s._replace(deaths=s.deaths + 1, torn=s.torn + (proc.pc == "two")), pc="dead")
        old, new = s.cells[proc.known % 2][slot], s.cells[now % 2][slot]
        match proc.pc:
            case "idle":
                if proc.stamp == s.epoch and s.acked + sum(p.pc in ("one", "two") for p in s.procs) < self.counts:
                    yield f"{slot} checks its stamp", to(pc="one")
                if proc.known != now:  # a look-up of any series
                    yield f"{slot} begins to carry", to(pc="announce" if "announce" in self.rules else "zero 0")
                elif proc.stamp != s.epoch:
                    yield f"{slot} looks up", to(stamp=s.epoch, half=proc.known)
            case "one":
                value = s.cells[proc.half % 2][slot][0]
                yield f"{slot} stores the bucket", to(store(proc.half, 0, value + 1), pc="two")
            case "two":
                value = s.cells[proc.half % 2][slot][1]
                counted = store(proc.half, 1, value + 1)._replace(acked=s.acked + 1)
                yield f"{slot} stores the sum", to(counted, pc="idle")
            case "announce":
                told = s._replace(epoch=s.epoch + 1, announced=now) if s.announced < now else s
                yield f"{slot} announces", to(told, pc="zero 0")
            case "zero 0" | "zero 1":
                cell, then = int(proc.pc[-1]), "zero 1" if proc.pc == "zero 0" else "copy 0"
                done = store(now, cell, 0) if "zero" in self.rules else s
                yield f"{slot} zeroes", to(done, pc=then)
            case "copy 0" | "copy 1":  # adds: several series of the old half may be one of the new
                cell, then = int(proc.pc[-1]), "copy 1" if proc.pc == "copy 0" else "turn"
                yield f"{slot} copies", to(store(now, cell, new[cell] + old[cell]), pc=then)
            case "turn":
                yield f"{slot} turns", to(s._replace(words=put(s.words, slot, now)), pc="idle", known=now)
        if "owner" not in self.rules and s.phase % 3 == CARRYING and s.words[slot] != now and proc.pc == "one":
            moved = put(s.cells[now % 2], slot, s.cells[(now - 1) % 2][slot])
            carried = s._replace(cells=put(s.cells, now % 2, moved), words=put(s.words, slot, now))
            yield f"{slot} is carried by another", carried

    def read(self, s: "Carry.State") -> Iterator[tuple]:
        r = s.reader

        def to(**changes: object) -> "Carry.State":
            return s._replace(reader=r._replace(**changes))

        match r.pc:
            case "rest" if r.done < self.scrapes:
                yield "a scrape looks at the phase", to(pc="words", phase=s.phase, words=(), values=())
            case "words" if len(r.words) < len(s.words):
                yield "reads a word", to(words=(*r.words, s.words[len(r.words)]))
            case "words" if "words" in self.rules and s.phase != r.phase:
                yield "the phase has changed", to(pc="rest")
            case "words":
                yield "has all words", to(pc="cells")
            case "cells" if len(r.values) < len(r.words):
                yield "reads a cell", to(values=(*r.values, self.value(s)))
            case "cells" if "recheck" in self.rules and not self.holds(s):
                yield "a half was given back", to(pc="rest")
            case "cells":
                total = sum(r.values)
                after = to(pc="rest", phase=0, words=(), values=(), last=total, done=r.done + 1)
                yield f"a scrape ends with {total}", after if total >= r.last else f"a total goes back to {total}"

    @staticmethod
    def value(s: "Carry.State") -> int:
        """The next slot's cell, in the half that its word named. A word of neither generation names none."""
        slot = len(s.reader.values)
        word, now = s.reader.words[slot], generation(s.reader.phase)
        is_former = word == now - 1 and s.reader.phase % 3 == CARRYING
        return s.cells[word % 2][slot][0] if is_former or word == now else 0

    @staticmethod
    def holds(s: "Carry.State") -> bool:
        """Whether no half that was read is given back."""
        r, now = s.reader, generation(s.phase)
        read = generation(r.phase)
        oldest = read - 1 if r.phase % 3 == CARRYING and read - 1 in r.words else read
        return now == oldest or (now == oldest + 1 and s.phase % 3 == CARRYING)

    def broken(self, s: "Carry.State") -> str | None:
        cells = [s.cells[word % 2][slot] for slot, word in enumerate(s.words)]
        buckets, sums = sum(cell[0] for cell in cells), sum(cell[1] for cell in cells)
        under_way = s.torn + sum(proc.pc == "two" for proc in s.procs)
        if sums < s.acked or buckets < s.acked:
            return f"lost: {buckets} and {sums} of {s.acked}"
        if buckets > s.acked + under_way or sums > s.acked:
            return f"doubled or torn: {buckets} and {sums} of {s.acked}"
        return None


class Slotless:
    """A process without a slot registers and counts while others begin, finish and give back generations.

    It has no word of its own, and may stop before any of its steps for as long as it lives. What it writes late must
    not fall into a half that was given back; what it counted must be carried.
    """

    RULES = frozenset({"counted", "count first", "estate", "once"})

    class State(NamedTuple):
        phase: int = 0
        lock: bool = False
        processes: int = 0  # the kernel's count
        pc: str = "new"
        known: int = 0
        shared: tuple = (0, 0)  # slot 0's cell in each half
        estate: tuple = (0, 0)  # what former processes without a slot have left
        word: int = 0  # the generation of slot 0's cells and of the estate
        acked: int = 0
        collector: str = "idle"
        lives: int = 0

    def __init__(self, rules: frozenset):
        self.rules = rules

    def start(self) -> "Slotless.State":
        return self.State()

    def steps(self, s: "Slotless.State") -> Iterator[tuple]:
        yield from self.process(s)
        yield from self.collect(s)

    def process(self, s: "Slotless.State") -> Iterator[tuple]:
        now = generation(s.phase)
        counted = {"processes": s.processes + 1} if "counted" in self.rules else {}
        if s.pc not in ("new", "dead"):
            yield "the process dies", s._replace(pc="dead", processes=0)
        match s.pc:
            case "new" if "count first" in self.rules:
                yield "the kernel counts it", s._replace(pc="look", **counted)
            case "new":
                yield "it looks at the phase", s._replace(pc="late", known=now)
            case "late":
                yield "the kernel counts it", s._replace(pc="write", **counted)
            case "look":
                yield "it looks at the phase", s._replace(pc="write", known=now)
            case "write":
                after = s._replace(pc="check")
                is_used = s.known == now or (s.known == now - 1 and s.phase % 3 == CARRYING)
                yield "it writes a record", after if is_used else "a record is written into a half that was given back"
            case "check" if s.known != now:
                yield "the phase has changed", s._replace(pc="look")
            case "check":
                yield "it has its cells", s._replace(pc="count")
            case "count":
                value = s.shared[s.known % 2]
                then = "check" if s.acked < 1 else "rest"
                yield "it counts", s._replace(shared=put(s.shared, s.known % 2, value + 1), acked=s.acked + 1, pc=then)
            case "dead" if s.lives < 1:
                yield "another one starts", s._replace(pc="new", lives=s.lives + 1)

    def collect(self, s: "Slotless.State") -> Iterator[tuple]:
        now = generation(s.phase)
        old, new = (now - 1) % 2, now % 2
        match s.collector:
            case "idle" if s.processes == 0 and generation(s.phase) + (s.phase % 3 == 0) <= 3:
                yield "somebody collects", s._replace(collector="locked")
            case "locked" if s.phase % 3 == 0:
                yield "a generation begins", s._replace(phase=s.phase + 1, collector="idle")
            case "locked" if s.phase % 3 == CARRYING and s.word == now and "once" in self.rules:
                yield "slot 0 has turned", s._replace(collector="turned")
            case "locked" if s.phase % 3 == CARRYING:
                yield "the estate is zeroed", s._replace(estate=put(s.estate, new, 0), collector="zeroed")
            case "locked":
                yield "giving back goes on", s._replace(collector="free")
            case "zeroed":
                left = s.estate[old] + s.shared[old] if "estate" in self.rules else s.estate[old]
                yield "the estate is carried", s._replace(estate=put(s.estate, new, left), collector="carried")
            case "carried":
                yield "slot 0 turns", s._replace(word=now, collector="turned")
            case "turned":
                yield "giving back begins", s._replace(phase=s.phase + 1, collector="free")
            case "free":
                empty = {"shared": put(s.shared, old, 0), "estate": put(s.estate, old, 0)}
                yield "the old half is given back", s._replace(phase=s.phase + 1, collector="idle", **empty)
        if s.collector not in ("idle",):
            yield "the collector dies", s._replace(collector="idle")

    def broken(self, s: "Slotless.State") -> str | None:
        now, old = generation(s.phase) % 2, (generation(s.phase) - 1) % 2
        total = s.shared[now]
        total += s.estate[now] if s.word == generation(s.phase) else s.shared[old] + s.estate[old]
        return f"{total} of {s.acked}" if total != s.acked else None


class Register:
    """Two processes look up one shared gauge for the first time while a generation begins: one cell for both.

    The shared cell never moves, so the record of the new half must name the one that anybody got from the old half.
    """

    RULES = frozenset({"look again", "old half first"})

    class State(NamedTuple):
        phase: int = 0
        index: tuple = (0, 0)  # by half: the cell that the record names, 0 without a record
        pcs: tuple = ("new", "new")
        known: tuple = (0, 0)
        found: tuple = (0, 0)
        got: tuple = (0, 0)

    def __init__(self, rules: frozenset):
        self.rules = rules

    def start(self) -> "Register.State":
        return self.State()

    def steps(self, s: "Register.State") -> Iterator[tuple]:
        if s.phase == 0:
            yield "a generation begins", s._replace(phase=1)
        for who, pc in enumerate(s.pcs):
            known = s.known[who]

            def to(then: str, at: int = who, **changes: object) -> "Register.State":
                return s._replace(pcs=put(s.pcs, at, then), **changes)

            match pc:
                case "new":
                    yield f"{who} looks at the phase", to("search", known=put(s.known, who, generation(s.phase)))
                case "search":
                    old = s.index[0] if known == 1 and "old half first" in self.rules else 0
                    cell = s.index[known] or old or who + 1
                    yield f"{who} searches", to("publish", found=put(s.found, who, cell))
                case "publish":
                    index = put(s.index, known, s.index[known] or s.found[who])
                    then = "again" if "look again" in self.rules else "use"
                    yield f"{who} publishes", to(then, index=index)
                case "again" if generation(s.phase) != known:
                    yield f"{who} sees the new generation", to("new")
                case "again":
                    yield f"{who} sees the same generation", to("use")
                case "use":
                    yield f"{who} has its cell", to("done", got=put(s.got, who, s.index[known]))

    def broken(self, s: "Register.State") -> str | None:
        return "two cells for one gauge" if all(s.got) and s.got[0] != s.got[1] else None


class Remove:
    """A series is removed while two slots carry their shares: what is shown is all of it or nothing."""

    RULES = frozenset({"old flag", "twin", "look again"})

    class State(NamedTuple):
        phase: int = 0
        gone: tuple = (False, False)  # by half
        exists: bool = False  # in the new half
        fresh: bool = False  # the new half's record was made after the removal
        shares: tuple = (0, 0)  # in the new half
        words: tuple = (0, 0)
        pcs: tuple = ("idle", "idle")
        remover: str = "new"
        later: str = "new"  # who counts into the series after its removal
        died: bool = False

    def __init__(self, rules: frozenset):
        self.rules = rules

    def start(self) -> "Remove.State":
        return self.State()

    def steps(self, s: "Remove.State") -> Iterator[tuple]:
        if s.phase == 0:
            yield "a generation begins", s._replace(phase=1)
        if s.phase == 1 and all(s.words) and s.remover in ("new", "done", "dead"):  # a slot of its own
            yield "the old half is given back", s._replace(phase=3)
        yield from self.remove(s)
        for slot, pc in enumerate(s.pcs):
            yield from self.carry(s, slot, pc)
        if s.remover == "done" and s.later == "new" and s.phase and (s.gone[1] or not s.exists):
            yield "the series is made again", s._replace(
                exists=True, fresh=True, gone=put(s.gone, 1, False), shares=(0, 0), later="done"
            )

    def remove(self, s: "Remove.State") -> Iterator[tuple]:
        if not s.died and s.remover not in ("new", "done"):
            yield "the remover dies", s._replace(remover="dead", died=True)
        match s.remover:
            case "new" if s.phase == 0:
                yield "the remover looks at the phase", s._replace(remover="mark")
            case "mark":
                yield "it is removed from its half", s._replace(gone=put(s.gone, 0, True), remover="look")
            case "new" if s.phase == 1:
                gone = put(s.gone, 0, True) if "old flag" in self.rules else s.gone
                yield "it is removed from the old half", s._replace(gone=gone, remover="new half")
            case "new" if s.exists:
                yield "it is removed", s._replace(gone=put(s.gone, 1, True), remover="done")
            case "look" if s.phase == 0 or "look again" not in self.rules:
                yield "the generation is the same", s._replace(remover="done")
            case "look" | "new half":
                gone = put(s.gone, 1, True) if s.exists else s.gone
                yield "it is removed from the new half", s._replace(gone=gone, remover="done")

    def carry(self, s: "Remove.State", slot: int, pc: str) -> Iterator[tuple]:
        def to(then: str, **changes: object) -> "Remove.State":
            return s._replace(pcs=put(s.pcs, slot, then), **changes)

        match pc:
            case "idle" if s.phase == 1:
                skips = s.gone[0]
                yield f"{slot} looks at the old record", to("skip" if skips else "make")
            case "make":
                yield f"{slot} finds or makes the new record", to("flag", exists=True)
            case "flag" if s.gone[0] and "twin" in self.rules:
                gone = s.gone if s.fresh else put(s.gone, 1, True)
                yield f"{slot} removes the carried record", to("turn", gone=gone)
            case "flag" if s.gone[0] or s.gone[1]:
                yield f"{slot} leaves its share", to("turn")
            case "flag":
                yield f"{slot} copies", to("turn", shares=put(s.shares, slot, 1))
            case "skip":
                twin = s.exists and not s.fresh and "twin" in self.rules
                yield f"{slot} skips it", to("turn", gone=put(s.gone, 1, True) if twin else s.gone)
            case "turn":
                yield f"{slot} turns", to("done", words=put(s.words, slot, 1))

    def broken(self, s: "Remove.State") -> str | None:
        if s.phase == 0:
            return None
        if s.fresh:
            return f"{sum(s.shares)} of a removed total are back" if any(s.shares) else None
        shown = s.exists and not s.gone[1] and not (s.phase == 1 and s.gone[0])
        if s.remover == "done" and s.later == "new" and shown:
            return "a removed series is shown"
        if s.phase == 3 and shown and sum(s.shares) != 2:
            return f"a part of the total is shown: {s.shares}"
        return None


class Glance(NamedTuple):
    """A scrape, and what the reader keeps of each half from one scrape to the next."""

    pc: str = "rest"
    phase: int = 0
    words: tuple = ()
    read: tuple = (None, None)  # by half: the generation that was read of it last
    seen: tuple = (False, False)  # whether the word of its index was followed
    known: tuple = (None, None)  # the generation that the series was found in
    done: int = 0


class Remember:
    """A reader keeps what it found in index and records, while halves are carried, given back and used again.

    There is one series, into which both slots have counted once; nobody removes it. A series of the new half is left out
    where the record that it was carried from is marked as removed; where that half was given back and used again, any
    word of another record stands in the place of the mark.
    """

    RULES = frozenset({"look before keeping", "forget"})

    class State(NamedTuple):
        phase: int = 0
        words: tuple = (0, 0)
        made: tuple = (0, None)  # by half: the generation whose record of the series is there
        mark: bool = False  # what stands where the first record was marked
        reader: Glance = Glance()

    def __init__(self, rules: frozenset, scrapes: int = 3):
        self.rules, self.scrapes = rules, scrapes

    def start(self) -> "Remember.State":
        return self.State()

    def steps(self, s: "Remember.State") -> Iterator[tuple]:
        now = generation(s.phase)
        if s.phase % 3 == 0 and now < 2:
            yield "a generation begins", s._replace(phase=s.phase + 1)
        if s.phase % 3 == CARRYING:
            for slot, word in enumerate(s.words):
                if word != now:
                    made = put(s.made, now % 2, now)
                    yield f"{slot} is carried, and turns", s._replace(made=made, words=put(s.words, slot, now))
            if all(word == now for word in s.words):
                yield "giving back begins", s._replace(phase=s.phase + 1)
        if s.phase % 3 == FREEING:
            empty = put(s.made, (now - 1) % 2, None)
            yield "the old half is given back", s._replace(made=empty, mark=False, phase=s.phase + 1)
        if now == 2 and not s.mark:
            yield "another record is made in its place", s._replace(mark=True)
        yield from self.read(s, s.reader)

    def read(self, s: "Remember.State", r: Glance) -> Iterator[tuple]:
        def to(**changes: object) -> "Remember.State":
            return s._replace(reader=r._replace(**changes))

        now = generation(r.phase)
        reads_both = r.phase % 3 == CARRYING and now - 1 in r.words
        match r.pc:
            case "rest" if r.done < self.scrapes:
                yield "a scrape looks at phase and words", to(pc="forget", phase=s.phase, words=s.words)
            case "forget":
                kept = r
                for gen in (now - 1, now) if reads_both else (now,):
                    if kept.read[gen % 2] != gen and "forget" in self.rules:
                        kept = self.without(kept, gen % 2)
                    kept = kept._replace(read=put(kept.read, gen % 2, gen))
                yield "it forgets what another generation had there", s._replace(reader=kept._replace(pc="old"))
            case "old" if reads_both:
                yield "it looks at the old index", to(pc="new", **self.follow(s, now - 1))
            case "old":
                yield "it leaves the old half", s._replace(reader=self.without(r, (now - 1) % 2)._replace(pc="new"))
            case "new":
                yield "it looks at the new index", to(pc="mark", **self.follow(s, now))
            case "mark" if reads_both and now == 1 and s.mark:
                yield "the origin is marked", to(pc="keep", known=put(r.known, 1, None))
            case "mark":
                yield "the origin is not marked", to(pc="keep")
            case "keep" if "look before keeping" in self.rules and not Carry.holds(s):
                forgotten = self.without(self.without(r, 0), 1)
                yield "a half was given back: both are forgotten", s._replace(reader=forgotten._replace(pc="rest"))
            case "keep":
                yield "it keeps what it found", to(pc="cells")
            case "cells" if not Carry.holds(s):
                former = self.without(r, (now - 1 if reads_both else now) % 2)
                yield "a half was given back", s._replace(reader=former._replace(pc="rest"))
            case "cells":
                found = [r.known[word % 2] == word for word in r.words]
                after = to(pc="rest", phase=0, words=(), done=r.done + 1)
                yield "a scrape ends", after if all(found) else "the series is not shown, or another one in its place"

    @staticmethod
    def follow(s: "Remember.State", gen: int) -> dict:
        """What is known after a look at a half's index: a word that was followed once is not followed again."""
        half, r = gen % 2, s.reader
        if r.seen[half] or s.made[half] is None:
            return {}
        return {"seen": put(r.seen, half, True), "known": put(r.known, half, s.made[half])}

    @staticmethod
    def without(r: Glance, half: int) -> Glance:
        return r._replace(
            read=put(r.read, half, None), seen=put(r.seen, half, False), known=put(r.known, half, None)
        )

    def broken(self, s: "Remember.State") -> str | None:
        return None


MODELS = {"carry": Carry, "slotless": Slotless, "register": Register, "remove": Remove, "remember": Remember}


def search(model: object) -> tuple[int, str | None, list[str]]:
    """The number of states, what is broken first, and the steps to it."""
    first = model.start()
    seen: dict = {first: None}
    queue = deque([first])

    def path(state: object, *end: str) -> list[str]:
        steps = list(end)
        while seen[state]:
            state, what = seen[state]
            steps.insert(0, what)
        return steps

    while queue:
        state = queue.popleft()
        if bad := model.broken(state):
            return len(seen), bad, path(state)
        for what, following in model.steps(state):
            if isinstance(following, str):
                return len(seen), following, path(state, what)
            if following not in seen:
                seen[following] = (state, what)
                queue.append(following)
    return len(seen), None, []


def main(arguments: list[str]) -> int:
    names = [name for name in arguments[:1] if name in MODELS] or list(MODELS)
    without = frozenset(arguments[arguments.index("--without") + 1 :]) if "--without" in arguments else frozenset()
    broken = False
    for name in names:
        states, bad, steps = search(MODELS[name](MODELS[name].RULES - without))
        print("\n  ".join([f"{name}: {states} states; {bad or 'no promise is broken'}", *steps]))
        broken |= bad is not None
    return int(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
