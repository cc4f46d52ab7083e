"""Holds the price of observed calls, in instructions: nothing for what is not listed, and limits for what is.
Both readings of the clock are in them, without the kernel's part."""

import subprocess

import calls
import harness

SCRIPT = 'eval("function f($x) {}"); for ($i = 0; $i < ROUNDS; $i++) { CALL; }'
CALLS = {"internal": 'hex2bin("00")', "user": 'f("a")'}
# More than was measured: 188, 122, 472 and 716 (PHP 8.2, without JIT).
LIMITS = {
    ("internal", "hex2bin"): 240,
    ("internal", "count(hex2bin)"): 140,
    ("user", "f"): 540,
    ("user", "f{x=arg1} as named"): 780,
}


class ObservedCostTest(harness.TestCase):
    def price(self, kind, entries):
        """Instructions of one call, the loop around it included."""

        def command(rounds):
            script = SCRIPT.replace("ROUNDS", str(rounds)).replace("CALL", CALLS[kind])
            settings = (f"extension={harness.EXTENSION}", f"promshm.segment={self.segment}", f'promshm.observe="{entries}"')
            flags = [word for setting in settings for word in ("-d", setting)]
            return [harness.PHP, "-n", *flags, "-r", script]

        few, many = 2_000, 12_000
        subprocess.run(command(1), check=True, capture_output=True)  # creates the segment, which the others find
        return round((calls.callgrind(command(many)) - calls.callgrind(command(few))) / (many - few))

    def test_what_is_not_listed_costs_nothing(self):
        for kind in CALLS:
            with self.subTest(kind):
                self.assertEqual(self.price(kind, ""), self.price(kind, "usleep, g, App\\*::*, #[Marked]::run"))

    def test_what_is_listed_stays_within_the_limits(self):
        floors = {kind: self.price(kind, "") for kind in CALLS}
        for (kind, entry), limit in LIMITS.items():
            with self.subTest(entry):
                more = self.price(kind, entry) - floors[kind]
                print(f"{entry}: {more} instructions more than the call alone ({floors[kind]})")
                self.assertGreater(more, 50, "this cannot have counted anything")
                self.assertLessEqual(more, limit)
