#!/usr/bin/env python3
"""Makes the offline recogniser's language model from sentences.

A trigram with interpolated Witten-Bell smoothing in ARPA form, and the part of a pronunciation dictionary that its words
need: a recogniser with 600 dictionary lines starts at once, one with 134,000 takes seconds.

usage: build_language_model.py SENTENCES DICTIONARY OUT.lm OUT.dict
"""
import collections
import math
import re
import sys


def read_sentences(path):
    with open(path, encoding="utf-8") as lines:
        return [line.split() for line in lines if line.strip() and not line.startswith("#")]


def read_dictionary(path, words):
    """The lines of the dictionary for `words`, with their variants word(2), word(3)."""
    kept, found = [], set()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            word = re.sub(r"\(\d+\)$", "", line.split(" ", 1)[0].strip())
            if word in words:
                kept.append(line.rstrip("\n"))
                found.add(word)
    missing = sorted(words - found)
    if missing:
        sys.exit(f"these words have no pronunciation in {path}: {', '.join(missing)}")
    return kept


class Model:
    """Counts of all n-grams up to 3, and their interpolated probabilities."""

    def __init__(self, sentences):
        self.counts = [None, collections.Counter(), collections.Counter(), collections.Counter()]
        for sentence in sentences:
            tokens = ["<s>"] + sentence + ["</s>"]
            for n in (1, 2, 3):
                for i in range(len(tokens) - n + 1):
                    self.counts[n][tuple(tokens[i : i + n])] += 1
        self.followers = collections.defaultdict(set)
        self.history_count = collections.Counter()
        for n in (2, 3):
            for gram, count in self.counts[n].items():
                self.followers[gram[:-1]].add(gram[-1])
                self.history_count[gram[:-1]] += count
        self.vocabulary = sorted(gram[0] for gram in self.counts[1] if gram[0] != "<s>")
        self.tokens = sum(count for gram, count in self.counts[1].items() if gram[0] != "<s>")

    def probability(self, gram):
        """p(last word | the words before it)."""
        if len(gram) == 1:
            types = len(self.vocabulary)
            return self.counts[1][gram] / (self.tokens + types) + (types / (self.tokens + types)) / types
        history = gram[:-1]
        different = len(self.followers[history])
        total = self.history_count[history]
        return (self.counts[len(gram)][gram] + different * self.probability(gram[1:])) / (total + different)

    def backoff(self, history):
        different, total = len(self.followers[history]), self.history_count[history]
        return different / (total + different) if different else 1.0


def write_arpa(model, path):
    grams = [None] + [sorted(model.counts[n]) for n in (1, 2, 3)]
    with open(path, "w", encoding="utf-8") as out:
        out.write("\\data\\\n")
        for n in (1, 2, 3):
            out.write(f"ngram {n}={len(grams[n])}\n")
        for n in (1, 2, 3):
            out.write(f"\n\\{n}-grams:\n")
            for gram in grams[n]:
                log_p = -99.0 if gram == ("<s>",) else math.log10(model.probability(gram))
                tail = f" {math.log10(model.backoff(gram)):.4f}" if n < 3 else ""
                out.write(f"{log_p:.4f} {' '.join(gram)}{tail}\n")
        out.write("\n\\end\\\n")


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__.strip().splitlines()[-1])
    sentences = read_sentences(sys.argv[1])
    words = {word for sentence in sentences for word in sentence}
    lines = read_dictionary(sys.argv[2], words)
    write_arpa(Model(sentences), sys.argv[3])
    with open(sys.argv[4], "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
