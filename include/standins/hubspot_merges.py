"""HubSpot's merge of two records of an object: what is left is a third one, which names both.

Sources (read 2026-11-22): https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/basic/
post-crm-v3-objects-contacts-merge and https://knowledge.hubspot.com/records/merge-records. What no page says is taken
at its hardest: the merged records are in no listing any more, not in that of archived ones either; only
``hs_merged_object_ids`` of what is left tells of them, those of earlier merges too.
"""

from collections.abc import Mapping
from typing import Any

from include.standins.hubspot_properties import CrmObject
from include.standins.kit import EVERYTHING, Context, Document
from include.standins.merchant_renderings import iso_ms

MERGED = "hs_merged_object_ids"
FIRST_ID = 800_000_000_001  # far above those that the interface makes otherwise


class NoMerge(ValueError):
    """The platform refuses with 400; the text is its message."""


def merge(context: Context, thing: CrmObject, body: Mapping[str, Any]) -> Document:
    """The record that is left.

    :raises NoMerge: one of the two is not there, or both are one.
    """
    store, now = context.store, context.now()
    with store.transaction():
        primary, other = (
            store.get("hubspot", thing.kind, str(body.get(name))) for name in ("primaryObjectId", "objectIdToMerge")
        )
        if primary is None or other is None or primary.id == other.id or primary.archived or other.archived:
            raise NoMerge("The objects to merge do not exist, or are one")
        id = str(FIRST_ID + store.count("hubspot", f"{thing.kind}_merge", EVERYTHING))
        kept = {**other.body["properties"], **_set(primary.body["properties"])}
        merged = [one for each in (primary, other) for one in (*_ids(each), each.id)]
        kept |= {"hs_object_id": id, thing.modified: iso_ms(now), MERGED: ";".join(merged)}
        made = {**primary.body, "id": id, "properties": kept, "updatedAt": iso_ms(now)}
        for one in (primary, other):
            store.delete("hubspot", thing.kind, one.id)
        store.put("hubspot", f"{thing.kind}_merge", id, {}, changed_at=context.now_ms())
        left = Document(id, made, primary.created_at, context.now_ms())
        store.put_many("hubspot", thing.kind, [left])
        return left


def _set(properties: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in properties.items() if value is not None}


def _ids(one: Document) -> list[str]:
    return [id for id in (one.body["properties"].get(MERGED) or "").split(";") if id]
