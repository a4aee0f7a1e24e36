"""Talks to a Hub as FLAME's own client does; prints what it understood, as JSON. The Hub's models check each answer."""

import json
import sys

import flame_hub
from flame_hub.auth import ClientAuth

core_url, auth_url, client_id, client_secret, analysis_id, partner_node_id = sys.argv[1:]
hub = flame_hub.CoreClient(base_url=core_url, auth=ClientAuth(client_id, client_secret, base_url=auth_url))

nodes, page = hub.find_nodes(filter={"client_id": client_id}, meta=True)
rows = hub.find_analysis_nodes(filter={"analysis_id": analysis_id})
mine = next(row for row in rows if row.node_id == nodes[0].id)
updated = hub.update_analysis_node(mine.id, execution_status="executing", execution_progress=47)
log = hub.create_analysis_node_log(analysis_id, nodes[0].id, "info", "a line", status="executing")
refusals = {}
for what, call in {
    "status": lambda: hub.update_analysis_node(partner_node_id, execution_status="failed"),
    "message": lambda: hub.create_analysis_node_log(analysis_id, nodes[0].id, "info", "ab"),
}.items():
    try:
        call()
    except flame_hub.HubAPIError as error:
        refusals[what] = error.error_response.status_code

print(
    json.dumps(
        {
            "nodes": [node.model_dump(mode="json") for node in nodes],
            "total": page.total,
            "rows": [row.model_dump(mode="json") for row in rows],
            "updated": updated.model_dump(mode="json"),
            "log": log.model_dump(mode="json"),
            "refusals": refusals,
        }
    )
)
