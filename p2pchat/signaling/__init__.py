"""How peers find each other. The only package that imports the aiohttp client."""
