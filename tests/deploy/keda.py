"""Holds a manifest of KEDA's, on the standard input, against KEDA's own schema: `python keda.py <manifest.yaml`. Ends with 1 and says
why if it is invalid. A field that the schema does not know is an error, although the cluster would drop it silently.

Runs in the virtual environment of scripts/deploy-tools.sh, which has the schema as classes."""

import sys

import yaml
from cloudcoil.models.keda import v1alpha1


def unknown(given, kept, path):
    """The paths in `given` that are not in `kept`."""
    if isinstance(given, dict):
        for name, value in given.items():
            yield from unknown(value, kept[name], f"{path}.{name}") if name in kept else [f"{path}.{name}"]
    if isinstance(given, list):
        for at, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from unknown(one, other, f"{path}[{at}]")


def main():
    document = yaml.safe_load(sys.stdin)
    kind = getattr(v1alpha1, document["kind"])
    known = kind.model_validate(document).model_dump(by_alias=True, exclude_unset=True, mode="json")
    found = list(unknown(document, known, document["kind"]))
    if found:
        raise SystemExit(f"{', '.join(found)}: not known to {document['apiVersion']}")


if __name__ == "__main__":
    main()
