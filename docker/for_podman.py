#!/usr/bin/env python3
"""Prints a Deployment or a Job so that `podman play kube` takes it: for_podman.py docker/pod.yaml

podman knows no native sidecars: the sidecar moves from initContainers to containers, before the others.
It knows no Jobs, and numbers the pods of Deployments as its version likes: the pod alone is played, under
their name. It takes ports for a wish to publish them, which the machine's own network refuses: they go.
Nothing else changes.
"""

import sys

import yaml


def without_sidecars(pod):
    """The pod with its native sidecars as plain containers."""
    starters = pod.pop("initContainers", [])
    sidecars = [each for each in starters if each.pop("restartPolicy", None) == "Always"]
    rest = [each for each in starters if each not in sidecars]
    if rest:
        pod["initContainers"] = rest
    pod["containers"] = sidecars + pod["containers"]
    return pod


def for_podman(document):
    template = document["spec"]["template"]
    pod = without_sidecars(template["spec"])
    for container in pod["containers"]:
        container.pop("ports", None)
    metadata = {**template["metadata"], "name": document["metadata"]["name"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as manifest:
        print(yaml.safe_dump_all(for_podman(each) for each in yaml.safe_load_all(manifest)))
