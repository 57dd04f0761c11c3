"""What a browser does with Home Assistant, for scripts: REST, websocket, config flows."""

import asyncio
from collections.abc import Mapping, Sequence
import contextlib
from dataclasses import dataclass
import json
import time
from typing import Any

import aiohttp

type Json = dict[str, Any]

_FLOWS = "/api/config/config_entries/flow"
_ASKS = ("form", "menu")
_WORKS = ("progress", "progress_done")
_TOKEN_SECONDS = 20 * 60  # an access token lives 30 minutes


class ApiError(Exception):
    """Home Assistant refused a request; says which and why."""


class FlowError(ApiError):
    """A config flow did not end in an entry that runs; says where and why."""


@dataclass(frozen=True, slots=True)
class User:
    """Who logs in."""

    name: str = "Demo"
    username: str = "demo"
    password: str = "demo"


class Api:
    """A Home Assistant at `url`; to be `open_api()`ed, and `close_api()`d at the end."""

    def __init__(self, url: str, user: User) -> None:
        """Take the address, without a slash at the end."""
        self.url = url
        self.user = user
        self._token = ""
        self._renew_at = 0.0
        self._http: aiohttp.ClientSession | None = None

    async def open_api(self) -> None:
        """Create the user when Home Assistant has none yet."""
        self._http = aiohttp.ClientSession(self.url, timeout=aiohttp.ClientTimeout(total=60))
        async with self._http.get("/api/onboarding") as answer:
            # Once all is done, Home Assistant does not even serve this page.
            steps = await answer.json() if answer.ok else []
        if any(step["step"] == "user" and not step["done"] for step in steps):
            user = {"name": self.user.name, "language": "en", **self._credentials()}
            await self._call("POST", "/api/onboarding/users", json=user)

    async def close_api(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def get(self, path: str) -> Any:
        """Return the JSON at `path`, as in `get("/api/config")`."""
        return await self._call("GET", path, headers=await self._bearer())

    async def post(self, path: str, data: Mapping[str, Any] | None = None) -> Any:
        """Post JSON to `path` and return the JSON answered."""
        return await self._call("POST", path, headers=await self._bearer(), json=data or {})

    async def delete(self, path: str) -> Any:
        """Delete what is at `path`."""
        return await self._call("DELETE", path, headers=await self._bearer())

    async def command(self, kind: str, **fields: Any) -> Any:
        """Return the result of one websocket command, on a connection of its own."""
        await self._bearer()
        async with self._session.ws_connect("/api/websocket", max_msg_size=0) as socket:
            await socket.receive_json()  # auth_required
            await socket.send_json({"type": "auth", "access_token": self._token})
            if (answer := await socket.receive_json(timeout=30))["type"] != "auth_ok":
                raise ApiError(f"websocket: {answer.get('message')}")
            await socket.send_json({"id": 1, "type": kind, **fields})
            answer = await socket.receive_json(timeout=60)
        if not answer["success"]:
            raise ApiError(f"{kind}: {answer['error']['message']}")
        return answer["result"]

    async def states(self) -> dict[str, Json]:
        """Return all states, by entity id."""
        return {state["entity_id"]: state for state in await self.get("/api/states")}

    async def entities(self, platform: str) -> list[Json]:
        """Return the entity registry's rows of an integration (`entity_id`, `unique_id`, ...)."""
        rows = await self.command("config/entity_registry/list")
        return [row for row in rows if row["platform"] == platform]

    async def flow(
        self, handler: str, steps: Sequence[Mapping[str, Any]], within: float = 60
    ) -> Json:
        """Add an integration and return its config entry (`entry_id`, `title`, `state`, ...).

        `steps` holds the input of each form in turn; of a menu it is
        `{"next_step_id": name}`. Steps that show progress are waited for.
        """
        result: Json = await self.post(_FLOWS, {"handler": handler})
        try:
            async with asyncio.timeout(within):
                return await self._walk(result, steps)
        except TimeoutError:
            raise FlowError(f"{handler} has found nothing within {within:.0f} s") from None
        finally:
            with contextlib.suppress(ApiError):  # gone when it came to its end
                await self.delete(f"{_FLOWS}/{result['flow_id']}")

    async def _walk(self, result: Json, steps: Sequence[Mapping[str, Any]]) -> Json:
        path = f"{_FLOWS}/{result['flow_id']}"
        for step in steps:
            result = await self._settled(result)
            if result["type"] not in _ASKS or result.get("errors"):
                raise FlowError(await self._why(result))
            asked = result["step_id"]
            try:
                result = await self.post(path, step)
            except ApiError as err:
                raise FlowError(f"{result['handler']}, step {asked}: {err}") from err
        result = await self._settled(result)
        if result["type"] != "create_entry" or result["result"]["state"] != "loaded":
            raise FlowError(await self._why(result))
        entry: Json = result["result"]
        return entry

    async def _settled(self, result: Json) -> Json:
        """Wait until a flow asks something or has ended."""
        while result["type"] in _WORKS:
            await asyncio.sleep(0.5)
            result = await self.get(f"{_FLOWS}/{result['flow_id']}")
        return result

    async def _why(self, result: Json) -> str:
        """Say in plain words where a flow stands instead of at its end."""
        handler = result["handler"]
        match result:
            case {"type": "abort", "reason": reason}:
                return f"{handler} gave up: {await self._words(result, f'abort.{reason}')}"
            case {"step_id": step, "errors": dict(errors)} if errors:
                why = [f"{at}: {await self._words(result, f'error.{errors[at]}')}" for at in errors]
                return f"{handler}, step {step}: {'; '.join(why)}"
            case {"step_id": step}:
                asked = result.get("menu_options") or [
                    field["name"] for field in result.get("data_schema") or []
                ]
                return f"{handler} asks for more, step {step}: {', '.join(asked) or 'confirm'}"
            case {"type": "create_entry", "result": {"state": state, "reason": reason}}:
                return f"{handler} was added but is in {state}: {reason}"
        return f"{handler}: {result}"

    async def _words(self, result: Json, key: str) -> str:
        """Return the translation under `config` of an integration, or the key itself."""
        handler = result["handler"]
        texts = await self.command(
            "frontend/get_translations", language="en", category="config", integration=[handler]
        )
        text = str(texts["resources"].get(f"component.{handler}.config.{key}", key))
        for name, value in (result.get("description_placeholders") or {}).items():
            text = text.replace(f"{{{name}}}", str(value))
        return text

    def _credentials(self) -> Json:
        client = {"client_id": f"{self.url}/"}
        return {"username": self.user.username, "password": self.user.password, **client}

    async def _bearer(self) -> dict[str, str]:
        """Return the header that proves who we are; logs in when due."""
        if time.monotonic() > self._renew_at:
            client = {"client_id": f"{self.url}/"}
            start = {"handler": ["homeassistant", None], "redirect_uri": f"{self.url}/", **client}
            flow = await self._call("POST", "/auth/login_flow", json=start)
            path = f"/auth/login_flow/{flow['flow_id']}"
            login = await self._call("POST", path, json=self._credentials())
            if login["type"] != "create_entry":
                raise ApiError(f"login of {self.user.username} failed: {login.get('errors')}")
            code = {"grant_type": "authorization_code", "code": login["result"], **client}
            self._token = (await self._call("POST", "/auth/token", data=code))["access_token"]
            self._renew_at = time.monotonic() + _TOKEN_SECONDS
        return {"Authorization": f"Bearer {self._token}"}

    @property
    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise ApiError("Home Assistant was not started")
        return self._http

    async def _call(self, method: str, path: str, **options: Any) -> Any:
        async with self._session.request(method, path, **options) as answer:
            if not answer.ok:
                raise ApiError(f"{method} {path}: {answer.status} {_plain(await answer.text())}")
            return await answer.json()


def _plain(body: str) -> str:
    """Make an answer that refuses readable."""
    try:
        match json.loads(body):
            case {"errors": dict(errors)}:
                return "; ".join(f"{field}: {why}" for field, why in errors.items())
            case {"message": str(message)}:
                return message
    except ValueError:
        pass
    return body
