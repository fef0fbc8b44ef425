"""Temporary media, up and down."""

from flask import Response, request

from bot.simulator.calls.base import Answer, Call, Calls
from bot.simulator.errors import ApiError
from bot.simulator.simulator import Simulator


def upload(simulator: Simulator) -> Answer:
    kind = request.args.get("type", "")
    sent = request.files.get("media")
    if sent is None:
        raise ApiError(41005)
    media = simulator.media.put(kind, sent.read())
    return {"type": kind, "media_id": media.media_id, "created_at": media.created}


def download(simulator: Simulator) -> Answer:
    media_id = request.args.get("media_id", "")
    if not media_id:
        raise ApiError(41006)
    media = simulator.media.get(media_id)
    if media.format == "video/mp4":
        return {"video_url": f"{simulator.options.public_url}/media/{media_id}"}
    suffix = media.format.split("/")[1]
    disposition = f'attachment; filename="{media_id}.{suffix}"'
    return Response(media.data, mimetype=media.format, headers={"Content-Disposition": disposition})


CALLS: Calls = {
    "/cgi-bin/media/upload": Call("POST", upload, quota="media_upload"),
    "/cgi-bin/media/get": Call("GET", download, quota="media_get"),
}
