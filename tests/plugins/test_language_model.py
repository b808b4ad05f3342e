#!/usr/bin/env python3
"""The language model of the offline recogniser: probabilities are probabilities, and the file says what the model says."""
import collections
import math
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools" / "build_language_model.py"
SENTENCES = ROOT / "plugins" / "pocketsphinx" / "language" / "sentences.txt"
sys.path.insert(0, str(ROOT / "tools"))
import build_language_model as tool  # noqa: E402


def words_of(sentences):
    return sorted({word for sentence in sentences for word in sentence})


class Probabilities(unittest.TestCase):
    """Over every history that was seen, and some that were not, the words' probabilities sum to 1."""

    def check(self, sentences):
        model = tool.Model(sentences)
        histories = [()] + sorted(model.followers)
        for history in histories:
            total = sum(model.probability(history + (word,)) for word in model.vocabulary)
            self.assertAlmostEqual(total, 1.0, delta=1e-6, msg=f"after {history}")

    def test_shipped_sentences(self):
        self.check(tool.read_sentences(SENTENCES))

    def test_one_sentence(self):
        self.check([["hello"]])

    def test_repetitions(self):
        self.check([["a", "a", "a"], ["a", "b"], ["b"]])

    def test_unseen_follows_backoff(self):
        model = tool.Model([["a", "b"], ["a", "c"], ["b", "c"]])
        for history in sorted(model.followers):
            for word in model.vocabulary:
                if word not in model.followers[history]:
                    want = model.backoff(history) * model.probability(history[1:] + (word,))
                    self.assertAlmostEqual(model.probability(history + (word,)), want, delta=1e-12)

    def test_what_was_said_is_likelier(self):
        model = tool.Model(tool.read_sentences(SENTENCES))
        self.assertGreater(model.probability(("i", "want", "a")), 10 * model.probability(("i", "want", "billing")))


def read_arpa(path):
    """{n: {gram: (log10 p, log10 backoff)}} and the counts of the head."""
    grams, counts, order = collections.defaultdict(dict), {}, 0
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("ngram "):
            n, count = line[6:].split("=")
            counts[int(n)] = int(count)
        elif line.endswith("-grams:"):
            order = int(line[1])
        elif line and not line.startswith("\\"):
            parts = line.split(" ")
            tail = float(parts[1 + order]) if len(parts) > 1 + order else None
            grams[order][tuple(parts[1 : 1 + order])] = (float(parts[0]), tail)
    return grams, counts


class File(unittest.TestCase):
    """What is written, read back by the rules of the format."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = pathlib.Path(cls.folder.name)
        cls.sentences = tool.read_sentences(SENTENCES)
        (cls.path / "in.dict").write_text(
            "".join(f"{word} X Y\n{word}(2) Y\n" for word in words_of(cls.sentences)) + "unused Z\n", encoding="utf-8")
        cls.result = cls.run_tool(SENTENCES, cls.path / "in.dict")
        cls.grams, cls.counts = read_arpa(cls.path / "out.lm")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def run_tool(cls, sentences, dictionary):
        return subprocess.run([sys.executable, str(TOOL), str(sentences), str(dictionary), str(cls.path / "out.lm"),
                               str(cls.path / "out.dict")], capture_output=True, text=True, check=False)

    def look_up(self, gram):
        """log10 p as a decoder finds it: the longest gram there is, else the shorter one and the backoff weight."""
        if gram in self.grams[len(gram)]:
            return self.grams[len(gram)][gram][0]
        weight = self.grams[len(gram) - 1].get(gram[:-1], (0, 0.0))[1] or 0.0
        return weight + self.look_up(gram[1:])

    def test_tool_succeeds(self):
        self.assertEqual(self.result.returncode, 0, self.result.stderr)

    def test_counts(self):
        self.assertEqual(self.counts, {n: len(self.grams[n]) for n in (1, 2, 3)})

    def test_file_sums_to_one(self):
        vocabulary = [gram[0] for gram in self.grams[1] if gram != ("<s>",)]
        for history in [("<s>",), ("i",), ("i", "want"), ("want", "i"), ("refund", "hello")]:
            total = sum(10 ** self.look_up(history + (word,)) for word in vocabulary)
            self.assertAlmostEqual(total, 1.0, delta=0.01, msg=f"after {history}")  # four decimals are written

    def test_probabilities_are_below_one(self):
        for n in (1, 2, 3):
            for gram, (log_p, _) in self.grams[n].items():
                self.assertLessEqual(log_p, 0.0, gram)
                self.assertTrue(math.isfinite(log_p))

    def test_dictionary_has_all_variants_and_no_more(self):
        self.run_tool(SENTENCES, self.path / "in.dict")
        lines = (self.path / "out.dict").read_text(encoding="utf-8").splitlines()
        self.assertEqual(len(lines), 2 * len(words_of(self.sentences)))
        self.assertFalse([line for line in lines if line.startswith("unused")])

    def test_word_without_pronunciation_is_named(self):
        (self.path / "small.dict").write_text("hello H\n", encoding="utf-8")
        (self.path / "in.txt").write_text("# said\n\nhello wrold\n", encoding="utf-8")
        result = self.run_tool(self.path / "in.txt", self.path / "small.dict")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no pronunciation", result.stderr)
        self.assertIn("wrold", result.stderr)
        self.run_tool(SENTENCES, self.path / "in.dict")


if __name__ == "__main__":
    unittest.main()
