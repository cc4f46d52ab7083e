#!/usr/bin/env python3
"""Prints a Deployment or a Job so that `podman play kube` takes it: for_podman.py [--without-sidecar] docker/pod.yaml

podman knows no native sidecars: the sidecar moves from initContainers to containers, before the others.
It knows no Jobs, and numbers the pods of Deployments as its version likes: the pod alone is played, under
their name. It takes ports for a wish to publish them, which the machine's own network refuses: they go.
Nothing else changes, but that there is no sidecar at all where the node has an agent: `--without-sidecar`.
"""

import argparse

import yaml


def flat(pod, keep_sidecars):
    """The pod with its native sidecars as plain containers, or without them."""
    starters = pod.pop("initContainers", [])
    sidecars = [each for each in starters if each.pop("restartPolicy", None) == "Always"]
    rest = [each for each in starters if each not in sidecars]
    if rest:
        pod["initContainers"] = rest
    pod["containers"] = (sidecars if keep_sidecars else []) + pod["containers"]
    return pod


def for_podman(document, keep_sidecars):
    template = document["spec"]["template"]
    pod = flat(template["spec"], keep_sidecars)
    for container in pod["containers"]:
        container.pop("ports", None)
    metadata = {**template["metadata"], "name": document["metadata"]["name"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Prints a Deployment or a Job so that `podman play kube` takes it.")
    parser.add_argument("--without-sidecar", action="store_true", help="for a node that has an agent")
    parser.add_argument("manifest", type=argparse.FileType(encoding="utf-8"))
    words = parser.parse_args()
    played = (for_podman(each, not words.without_sidecar) for each in yaml.safe_load_all(words.manifest))
    print(yaml.safe_dump_all(played))
