from headwater.http.route import Route


def docs_routes(title: str) -> list[Route]:
    return []
