"""Which keys a mapping may have: the columns of each staging shape that come from a vendor, and what stands beside."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "person_record": ("created_at", "changed_at", "deleted", "email", "phone", "phone_country", "first_name",
                      "last_name", "birth_on", "gender", "language", "country", "region", "city", "postcode",
                      "email_client", "consent_text"),
    "order_entry": ("changed_at", "order_key", "occurred_at", "email", "phone", "phone_country", "sku", "title",
                    "quantity", "amount", "unit_price", "currency", "country"),
    "event": ("changed_at", "occurred_at", "email", "phone", "phone_country", "amount", "currency"),
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "person_record": (),
    "order_entry": ("order_key", "occurred_at"),
    "event": ("occurred_at",),
}
# How a consent is read. The opt-out is a second field that can only withdraw: the stricter of the two holds.
CONSENT_KEYS = ("path", "granted", "withdrawn", "granted_at", "withdrawn_at", "opt_out", "opt_out_values", "opt_out_at")
INTEREST_KEYS = ("path", "separator", "prefix", "names")
# What holds for a whole table when its rows do not say.
CONSTANTS: dict[str, str | None] = {
    "constant_currency": None,
    "constant_country": None,
    "constant_phone_country": None,
    "constant_timezone": "UTC",
    "constant_decimal": ".",
    "constant_date_order": "ymd",
}
TABLE_KEYS = ("columns", "ids", "consent", "interests", "constants", "countries", "goods", "returns", "options")
FILE_KEYS = ("match", "shape", "key", "csv")
CSV_KEYS = ("delimiter", "encoding", "quote")
DROP_SHAPES = {"orders": "order_entry", "persons": "person_record"}  # a file's shape: files.orders or files.persons
