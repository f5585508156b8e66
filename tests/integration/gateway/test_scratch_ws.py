import sys
import pytest
pytestmark=[pytest.mark.integration,pytest.mark.timeout(280)]
async def test_it(stack):
    sys.path.insert(0,"/tmp/w")
    import ws_try
    try:
        await ws_try.main(stack.url, stack.keys, stack.ed25519_keys)
    finally:
        print(stack.log("gateway")[-6000:]); print(stack.log("history")[-2000:])
