"""The pages of results as a small web app inside Airflow's, for whoever is logged in there."""

from urllib.parse import quote

from airflow.api_fastapi.core_api.security import requires_authenticated
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException as StarletteHTTPException

from activation.result_pages import folder
from include.results.draw import INDEX

# Nothing is loaded from anywhere and no script runs, whatever a page should one day hold.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(requires_authenticated())])


@app.get("/")
def index() -> Response:
    """All suites."""
    return page(INDEX)


@app.get("/{path:path}")
def page(path: str) -> Response:
    """One page of the folder."""
    found = folder().read(path)
    if found is None:
        raise HTTPException(404, "There is no such page; pages are drawn when a stream is checked.")
    return Response(found, media_type="text/html; charset=utf-8", headers=HEADERS)


@app.exception_handler(StarletteHTTPException)
async def to_the_login(request: Request, error: StarletteHTTPException) -> Response:
    """A person who follows a link from a mail and is not logged in is led to the login and back."""
    if error.status_code == 401 and "text/html" in request.headers.get("accept", ""):
        root = request.scope.get("root_path", "").removesuffix("/quality")
        return RedirectResponse(f"{root}/auth/login?next={quote(str(request.url), safe='')}", status_code=307)
    return await http_exception_handler(request, error)
