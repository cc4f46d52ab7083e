import pytest


@pytest.fixture(scope="session", autouse=True)
def ipc_namespace():
    """Each pod brings namespaces of its own, and podman wants to see the machine's."""
