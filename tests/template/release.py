"""Tests `infra/release.py` without AWS: `python3 tests/template/release.py`: archives, refusals, and the values that reach a stack."""

import io
import json
import os
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "infra"))

import release  # noqa: E402

ELF = {"x86_64": 0x3E, "arm64": 0xB7}
TEMPLATE = {
    "Parameters": {
        "Architecture": {"Default": "arm64"},
        "DomainName": {"Default": ""},
        "MailPassword": {"Default": "", "NoEcho": True},
        "OperatorEmail": {},
    }
}


def program(machine):
    """The first bytes of a program for this processor, and random bytes, so that no two programs are equal."""
    return b"\x7fELF" + bytes(14) + ELF[machine].to_bytes(2, "little") + os.urandom(8)


class Folders(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)

    def built(self, name, programs):
        for function, content in programs.items():
            folder = self.scratch / name / function
            folder.mkdir(parents=True)
            (folder / "bootstrap").write_bytes(content)
            (folder / "bootstrap").chmod(0o755)
        return self.scratch / name

    def test_the_same_programs_make_the_same_archive_whenever_they_were_built(self):
        programs = {"AuthFunction": program("arm64"), "UsersFunction": program("arm64")}
        digests = []
        for name in ("first", "second"):
            folder = self.built(name, programs)
            os.utime(folder / "AuthFunction" / "bootstrap", (len(digests), len(digests)))
            release.pack(folder, self.scratch / f"{name}.tar.gz")
            digests.append(release.digest(self.scratch / f"{name}.tar.gz"))
        self.assertEqual(*digests)
        release.unpack(self.scratch / "first.tar.gz", digests[0], self.scratch / "out")
        bootstrap = self.scratch / "out" / "AuthFunction" / "bootstrap"
        self.assertEqual(bootstrap.read_bytes(), programs["AuthFunction"])
        self.assertTrue(os.access(bootstrap, os.X_OK))

    def test_an_archive_with_another_digest_is_not_unpacked(self):
        release.pack(self.built("folder", {"AuthFunction": program("arm64")}), self.scratch / "archive")
        with self.assertRaisesRegex(release.Refused, "has the digest"):
            release.unpack(self.scratch / "archive", "0" * 64, self.scratch / "out")
        self.assertFalse((self.scratch / "out").exists())

    def test_an_archive_that_leads_out_of_its_folder_is_refused(self):
        archive = self.scratch / "archive"
        with tarfile.open(archive, "w:gz") as out:
            out.addfile(tarfile.TarInfo("../outside"), io.BytesIO())
        with self.assertRaises(tarfile.OutsideDestinationError):
            release.unpack(archive, release.digest(archive), self.scratch / "out")
        self.assertFalse((self.scratch / "outside").exists())

    def test_programs_for_two_processors_are_refused(self):
        self.assertEqual(release.built_for(self.built("one", {"AuthFunction": program("x86_64")})), "x86_64")
        mixed = self.built("mixed", {"AuthFunction": program("x86_64"), "UsersFunction": program("arm64")})
        with self.assertRaisesRegex(release.Refused, "different processors"):
            release.built_for(mixed)
        with self.assertRaisesRegex(release.Refused, "no program for Linux"):
            release.built_for(self.built("script", {"AuthFunction": b"#!/bin/sh\n" + bytes(20)}))
        with self.assertRaisesRegex(release.Refused, "build first"):
            release.built_for(self.scratch / "nothing")


class Values(unittest.TestCase):
    def test_a_default_arrives_and_a_value_that_is_taken_away_goes(self):
        values = release.settings(TEMPLATE, {"OperatorEmail": "a@example.com"})
        self.assertEqual(values, {"Architecture": "arm64", "DomainName": "", "OperatorEmail": "a@example.com"})

    def test_what_is_hidden_is_kept_unless_it_is_set(self):
        given = {"OperatorEmail": "a@example.com", "MailPassword": "hush"}
        self.assertEqual(release.settings(TEMPLATE, given)["MailPassword"], "hush")
        self.assertNotIn("MailPassword", release.shown(TEMPLATE, given))

    def test_what_the_template_lacks_or_the_environment_leaves_out_is_refused(self):
        with self.assertRaisesRegex(release.Refused, "DomianName"):
            release.settings(TEMPLATE, {"DomianName": "x", "OperatorEmail": "a@example.com"})
        with self.assertRaisesRegex(release.Refused, "OperatorEmail, which has no default"):
            release.settings(TEMPLATE, {})

    def test_a_version_is_published_for_every_value_but_a_hidden_one(self):
        def mark(**changed):
            values = {"Architecture": "arm64", "DomainName": "", "OperatorEmail": "a@example.com", **changed}
            made = json.loads(release.marked(json.loads(json.dumps(TEMPLATE)), values))
            return made["Globals"]["Function"]["Environment"]["Variables"][release.MARK]

        self.assertEqual(mark(), mark())
        self.assertNotEqual(mark(), mark(DomainName="api.example.com"))
        self.assertEqual(mark(MailPassword="one"), mark(MailPassword="two"))

    def test_environments_of_two_processors_are_refused(self):
        def config(*machines):
            return {
                f"stage{number}": {"deploy": {"parameters": {"parameter_overrides": [f"Architecture={machine}"]}}}
                for number, machine in enumerate(machines)
            }

        self.assertEqual(release.architecture(config("arm64", "arm64"), "x86_64"), "arm64")
        with self.assertRaisesRegex(release.Refused, "more than one Architecture"):
            release.architecture(config("arm64", "x86_64"), "arm64")
        silent = {**config("arm64"), "stage9": {"deploy": {"parameters": {"parameter_overrides": []}}}}
        with self.assertRaisesRegex(release.Refused, "more than one Architecture"):
            release.architecture(silent, "x86_64")

    def test_values_are_read_as_the_sam_cli_reads_them(self):
        config = {"dev": {"deploy": {"parameters": {"parameter_overrides": ['LogLevel="info,user_store=debug"', "Url='a=b'"]}}}}
        self.assertEqual(release.parameters(config, "dev"), {"LogLevel": "info,user_store=debug", "Url": "a=b"})


if __name__ == "__main__":
    unittest.main()
