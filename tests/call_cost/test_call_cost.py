"""The cost of a call: instructions within the limits of instructions.json, no system call
and no allocation once a series exists. Nothing here is timed, so a busy machine changes nothing."""

import json
import pathlib

import calls
import harness

LIMITS = json.loads(pathlib.Path(__file__).with_name("instructions.json").read_text())


class CallCostTest(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        calls.build_floor()

    def test_every_variant_has_a_limit(self):
        self.assertEqual(sorted(LIMITS), sorted(calls.OURS))

    def test_instructions_stay_within_the_limits(self):
        loop = calls.instructions("empty loop", self.segment)
        floors = {limit["floor"] for limit in LIMITS.values()}
        floors = {floor: calls.instructions(floor, self.segment) - loop for floor in sorted(floors)}
        for variant, limit in LIMITS.items():
            with self.subTest(variant):
                price, floor = calls.instructions(variant, self.segment) - loop, limit["floor"]
                ratio = price / floors[floor]
                print(f"{variant}: {price} instructions, {ratio:.2f} x {floor} ({floors[floor]})")
                self.assertGreater(price, 50, "this cannot have counted anything")
                self.assertLessEqual(ratio, limit["at most"])

    def test_periodic_work_stays_within_its_limit(self):
        """It is not in the instructions of a call: how many calls share it depends on the machine."""
        price = calls.periodic_instructions(self.segment)
        print(f"periodic work: {price} instructions")
        self.assertGreater(price, 100, "this cannot have counted anything")
        self.assertLessEqual(price, 2_000)

    def test_no_system_call_once_the_series_exists(self):
        calls.system_calls(calls.OURS[0], self.segment, 10)  # creates the segment for the others
        for variant in calls.OURS:
            with self.subTest(variant):
                few, many = (calls.system_calls(variant, self.segment, rounds) for rounds in (10, 10_010))
                self.assertLess(abs(many - few), 10, "10,000 calls made system calls")

    def test_no_allocation_once_the_series_exists(self):
        """Only the array or object that PHP itself allocates for the call is allowed."""
        own = {
            "inc([$m, $s])": 2,
            "inc(['method' => $m, 'status' => $s])": 2,
            "inc(['GET', $status]), an int": 2,
            "inc(['u' . ($i & 15), '200'])": 3 + 6 / 16,  # a digit is no string of its own
            "startTimer(), observeDuration()": 1,
            "new Counter('jobs_total', …)": 1,
            "new Counter('jobs_total', …)->inc(['mail', 'ok'])": 1,
            "new Histogram('job_seconds', …)->observe(0.3, ['mail'])": 1,
        }
        for variant in calls.OURS:
            calls.system_calls(variant, self.segment, 10)  # registers the families for the runs below

        def too_many(variants):
            few, many = (calls.allocations(variants, self.segment, rounds) for rounds in (10, 2_010))
            return many - few - 2_000 * sum(own.get(variant, 0) for variant in variants)

        # All in one process, because the start of PHP takes most of the time; each alone only to find the culprit.
        if abs(too_many(calls.OURS)) >= 10:
            for variant in calls.OURS:
                with self.subTest(variant):
                    self.assertLess(abs(too_many([variant])), 10)

    def test_cost_of_colliding_values_does_not_grow_with_their_number(self):
        """A client can choose such values, and must not slow down others."""
        script = pathlib.Path(__file__).with_name("colliding.php")

        def cost(number):
            # All of them have series: what is beyond a metric's limit is looked up at each call.
            words = calls.command("", 0, self.segment, "promshm.max_series_per_metric=4096")[:-3]
            few, many = (calls.callgrind([*words, str(script), str(number), str(rounds)]) for rounds in (2, 6))
            return round((many - few) / (4 * number))

        few, many = cost(64), cost(2048)
        print(f"colliding values: {few} instructions a call with 64 of them, {many} with 2,048")
        self.assertGreater(few, 50, "this cannot have counted anything")
        self.assertLess(many, 2 * few)
