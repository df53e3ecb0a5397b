"""Who is one person: normal forms, stitching, golden record, consent, traits. One writer, ``build.build_persons``."""
