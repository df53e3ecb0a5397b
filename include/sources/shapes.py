"""Which keys a mapping may have: the columns of each staging shape that come from a vendor, and what stands beside."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "person_record": ("created_at", "changed_at", "deleted", "email", "phone", "phone_country", "first_name",
                      "last_name", "birth_on", "gender", "language", "country", "region", "city", "postcode",
                      "email_client", "consent_text", "company_key"),
    "order_entry": ("changed_at", "order_key", "occurred_at", "email", "phone", "phone_country", "sku", "title",
                    "quantity", "amount", "unit_price", "currency", "country"),
    "event": ("changed_at", "deleted", "occurred_at", "email", "phone", "phone_country", "amount", "currency"),
    "company": ("created_at", "changed_at", "deleted", "name", "domain", "phone", "industry", "employees", "revenue",
                "currency", "country", "region", "city", "postcode"),
    "deal": ("created_at", "changed_at", "deleted", "name", "pipeline", "stage", "is_closed", "is_won", "amount",
             "currency", "closes_on", "company_key", "person_keys"),
    "campaign": ("created_at", "changed_at", "deleted", "name", "subject", "channel", "state", "sent_at", "recipients",
                 "opened", "clicked", "bounced", "unsubscribed"),
    "report_row": ("changed_at", "deleted", "on_date", "dimensions", "metrics", "lacks"),
}
PERSONAL = ("person_record", "order_entry", "event")  # what people are stitched and described by
REQUIRED: dict[str, tuple[str, ...]] = {
    "person_record": (),
    "order_entry": ("order_key", "occurred_at"),
    "event": ("occurred_at",),
    "company": ("name",),
    "deal": ("stage", "is_closed", "is_won"),
    "campaign": ("name",),
    "report_row": ("on_date", "dimensions", "metrics"),
}
# How a consent is read. The opt-out is a second field that can only withdraw: the stricter of the two holds.
CONSENT_KEYS = ("path", "granted", "withdrawn", "granted_at", "withdrawn_at", "opt_out", "opt_out_values", "opt_out_at")
INTEREST_KEYS = ("path", "separator", "prefix", "names")
# What a thing that happened is called: the vendor's word, what we call it, and what becomes of words not listed
# (`unknown`: null, which a suite catches; `keep`: in our spelling; `leave`: the record gives no row).
EVENT_KEYS = ("path", "names", "others")
EVENT_OTHERS = ("unknown", "keep", "leave")
# What holds for a whole table when its rows do not say.
CONSTANTS: dict[str, str | None] = {
    "constant_currency": None,
    "constant_country": None,
    "constant_phone_country": None,
    "constant_timezone": "UTC",
    "constant_decimal": ".",
    "constant_date_order": "ymd",
    "constant_company_stream": None,  # whose records the keys of companies and persons are
    "constant_person_stream": None,
}
TABLE_KEYS = ("columns", "ids", "consent", "interests", "events", "properties", "constants", "countries", "goods",
              "returns", "options", "contract")
# What becomes of a changed schema (docs/decisions/0022); `open` and `reads` list paths.
CONTRACT_WORDS: dict[str, tuple[str, ...]] = {
    "new_column": ("evolve", "freeze", "discard"),
    "lost_column": ("evolve", "freeze", "discard"),
    "changed_type": ("evolve", "freeze", "discard"),
    "covers": ("read", "all"),
    "freshness": ("info", "critical", "off"),
}
CONTRACT_PATHS = ("open", "reads")
FILE_KEYS = ("match", "shape", "key", "csv")
CSV_KEYS = ("delimiter", "encoding", "quote")
DROP_SHAPES = {"orders": "order_entry", "persons": "person_record"}  # a file's shape: files.orders or files.persons
