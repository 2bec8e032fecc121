"""Builds the service once, and deploys what was built, any number of times.

    python3 infra/release.py build [--archive FILE]
    python3 infra/release.py deploy ENVIRONMENT [--archive FILE --sha256 DIGEST] [--bucket NAME] [--role ARN] [--show]
    python3 infra/release.py stack ENVIRONMENT

ENVIRONMENT is a table of samconfig.toml, such as staging. Needs the SAM CLI; `build` also cargo-lambda. What this adds to `sam build` and
`sam deploy`:

- The processor is set in one place: `Architecture` among the parameters of samconfig.toml. `sam build` does not read the parameters of
  `deploy`. It is the same for all environments, since they get the same archive, and the built programs are checked against it.
- An environment gets the values in samconfig.toml, and otherwise the defaults of the deployed template. `sam deploy` alone keeps the
  stack's former values. Parameters with NoEcho keep their value, unless samconfig.toml sets it.
- Every change of a function publishes a version. The translator compares texts, so a parameter's new value would change a function but
  leave its alias at the former version; here each template gets a digest of all values. The digest does not cover parameters with NoEcho:
  whoever reads a function's settings could use it to test guessed passwords.
"""

import argparse
import gzip
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILT = Path(".aws-sam") / "build"
CONFIG = ROOT / "samconfig.toml"
# e_machine in the header of an ELF file, little-endian.
MACHINES = {0x3E: "x86_64", 0xB7: "arm64"}
MARK = "RELEASE_DIGEST"
EXECUTABLE, PLAIN = 0o755, 0o644


class Refused(Exception):
    """The reason why nothing is built or deployed."""


def parameters(config, environment, command="deploy"):
    """The parameters that samconfig.toml sets for a command of this environment."""
    given = config[environment].get(command, {}).get("parameters", {}).get("parameter_overrides", [])
    if isinstance(given, dict):
        return {name: str(value) for name, value in given.items()}
    if isinstance(given, str):
        raise Refused(f"parameter_overrides of {environment}.{command} in samconfig.toml is a text; make it a list of KEY=VALUE")
    return {name: unquoted(value) for name, value in (each.split("=", 1) for each in given)}


def unquoted(value):
    """The value without one pair of quotes around it, as the SAM CLI reads it."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def architecture(config, default):
    """The processor of all environments."""
    found = {}
    for environment, commands in config.items():
        if isinstance(commands, dict):
            for command in ("build", "deploy"):
                if command in commands:
                    set_here = parameters(config, environment, command).get("Architecture")
                    if command == "deploy" or set_here:
                        found[f"{environment}.{command}"] = set_here or default
    if len(set(found.values())) > 1:
        raise Refused(f"samconfig.toml names more than one Architecture: {found}; one archive goes to all environments")
    return next(iter(found.values()), default)


def default_of(template, parameter):
    """A parameter's default in template.yaml, read without evaluating CloudFormation's functions."""
    match = re.search(rf"^  {parameter}:.*?Default:\s*([\w.-]+)", template, re.MULTILINE | re.DOTALL)
    if not match:
        raise Refused(f"template.yaml has no default of {parameter}")
    return match[1]


def machine(program):
    """The processor that a program was built for."""
    header = program.read_bytes()[:20]
    if header[:4] != b"\x7fELF" or len(header) < 20:
        raise Refused(f"{program} is no program for Linux")
    code = int.from_bytes(header[18:20], "little")
    return MACHINES.get(code, f"machine {code:#x}")


def built_for(folder):
    """The processor that all functions in this folder were built for."""
    programs = sorted(folder.glob("*/bootstrap"))
    if not programs:
        raise Refused(f"{folder} has no function; build first")
    found = {program.parent.name: machine(program) for program in programs}
    if len(set(found.values())) > 1:
        raise Refused(f"the functions are for different processors: {found}")
    return next(iter(found.values()))


def pack(folder, archive):
    """Writes the folder as an archive whose bytes depend only on the names, contents and modes of its files."""

    def plain(entry):
        entry.mtime = entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mode = EXECUTABLE if entry.isdir() or entry.mode & 0o100 else PLAIN
        return entry

    with open(archive, "wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as out:
        for path in sorted(folder.rglob("*")):
            out.add(path, path.relative_to(folder), recursive=False, filter=plain)


def unpack(archive, sha256, folder):
    """Unpacks the archive if it has this digest."""
    if (seen := digest(archive)) != sha256:
        raise Refused(f"{archive} has the digest {seen}, not {sha256}")
    with tarfile.open(archive, "r:gz") as packed:
        packed.extractall(folder, filter="data")


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def hidden(entry):
    """Whether CloudFormation hides a parameter's value (NoEcho)."""
    return str(entry.get("NoEcho", False)).lower() == "true"


def shown(template, values):
    """The values that are not hidden."""
    return {name: value for name, value in values.items() if not hidden(template["Parameters"][name])}


def settings(template, given):
    """The value of every parameter of the template, except those that keep their value."""
    declared = template.get("Parameters", {})
    if unknown := sorted(set(given) - set(declared)):
        raise Refused(f"samconfig.toml sets {', '.join(unknown)}, and the template has no such parameter")
    values = {}
    for name, entry in declared.items():
        if name in given:
            values[name] = given[name]
        elif "Default" in entry and not hidden(entry):
            values[name] = str(entry["Default"])
        elif not hidden(entry):
            raise Refused(f"samconfig.toml does not set {name}, which has no default")
    return values


def marked(template, values):
    """The template's text, with a digest of the text and of the values in each function's environment."""
    text = json.dumps([template, shown(template, values)], sort_keys=True, default=str)
    function = template.setdefault("Globals", {}).setdefault("Function", {})
    variables = function.setdefault("Environment", {}).setdefault("Variables", {})
    variables[MARK] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return json.dumps(template, indent=1, default=str)


def run(*command):
    print("+", *command, flush=True)
    if code := subprocess.run([str(part) for part in command], cwd=ROOT, check=False).returncode:
        raise Refused(f"{command[0]} {command[1]} ended with {code}")


def build(given):
    config = tomllib.loads(CONFIG.read_text())
    wanted = architecture(config, default_of((ROOT / "template.yaml").read_text(), "Architecture"))
    run("sam", "build", "--parameter-overrides", f"Architecture={wanted}")
    if (seen := built_for(ROOT / BUILT)) != wanted:
        raise Refused(f"built for {seen}, and samconfig.toml says {wanted}")
    if given.archive:
        pack(ROOT / BUILT, given.archive)
        print(f"{digest(given.archive)}  {given.archive}")


def configuration(environment):
    config = tomllib.loads(CONFIG.read_text())
    if environment not in config:
        raise Refused(f"samconfig.toml has no environment {environment}")
    return config


def stack(given):
    print(configuration(given.environment)[given.environment]["global"]["parameters"]["stack_name"])


def deploy(given):
    config = configuration(given.environment)
    with tempfile.TemporaryDirectory() as scratch:
        folder = ROOT / BUILT
        if given.archive:
            folder = Path(scratch) / "build"
            unpack(given.archive, given.sha256, folder)
        deploy_from(folder, Path(scratch), config, given)


def deploy_from(folder, scratch, config, given):
    try:
        import yaml
    except ImportError:
        why = f"{sys.executable} has no PyYAML; take the Python of the SAM CLI, which the first line of `sam` names, or install PyYAML"
        raise Refused(why) from None

    seen = built_for(folder)
    template = yaml.safe_load((folder / "template.yaml").read_text())
    overrides = parameters(config, given.environment)
    if overrides.setdefault("Architecture", seen) != seen:
        raise Refused(f"built for {seen}, and samconfig.toml says {overrides['Architecture']} for {given.environment}")
    values = settings(template, overrides)
    # In the folder of the original template, since the template's paths are relative to it.
    (folder / "release.yaml").write_text(marked(template, values))
    (scratch / "parameters.yaml").write_text(json.dumps(values))
    if given.show:
        print(json.dumps({**dict.fromkeys(values, "****"), **shown(template, values)}, indent=2))
        return
    command = ["sam", "deploy", "--config-file", CONFIG, "--config-env", given.environment]
    command += ["--template-file", folder / "release.yaml", "--parameter-overrides", f"file://{scratch / 'parameters.yaml'}"]
    command += ["--s3-bucket", given.bucket, "--no-resolve-s3"] if given.bucket else []
    command += ["--role-arn", given.role] if given.role else []
    # In CI nobody can answer a question.
    command += ["--no-confirm-changeset"] if os.environ.get("CI") else []
    run(*command)


def main():
    arguments = argparse.ArgumentParser(description="Builds the service once, and deploys what was built.")
    commands = arguments.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build")
    building.add_argument("--archive", type=Path, help="where to pack what was built")
    building.set_defaults(does=build)
    deploying = commands.add_parser("deploy")
    deploying.add_argument("environment")
    deploying.add_argument("--archive", type=Path, help="what `build --archive` wrote; .aws-sam/build without it")
    deploying.add_argument("--sha256", help="the archive's digest, as `build` printed it")
    deploying.add_argument("--bucket", help="where the code goes, in place of the bucket that the SAM CLI makes")
    deploying.add_argument("--role", help="the role that CloudFormation takes")
    deploying.add_argument("--show", action="store_true", help="print the parameters, and deploy nothing")
    deploying.set_defaults(does=deploy)
    naming = commands.add_parser("stack", help="print the name of its stack")
    naming.add_argument("environment")
    naming.set_defaults(does=stack)
    given = arguments.parse_args()
    if given.command == "deploy" and bool(given.archive) != bool(given.sha256):
        arguments.error("--archive and --sha256 go together")
    try:
        given.does(given)
    except Refused as why:
        sys.exit(f"refused: {why}")


if __name__ == "__main__":
    main()
