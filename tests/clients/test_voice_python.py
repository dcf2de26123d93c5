"""Guide 000's commands with python-socketio: S-17 to S-24 as another client plays them."""

import json
import tempfile
from pathlib import Path

from python_support import PATIENCE, TENANT_KEY, TRANSPORTS, Client, ClientTest

TWO = "demo-tenant-key-2"
JOHN = {"name": "John Doe", "email": "john@example.com", "phone": "+45 12 34 56 78"}


class Voice(ClientTest):
    def flow(self, server, key=TENANT_KEY, transports=None):
        client = Client(self, server, "/events")
        client.sio.connect(
            server.url,
            headers={"x-tenant-key": key},
            transports=transports,
            namespaces=["/events"],
            wait_timeout=PATIENCE,
        )
        client.next("connect")
        client.next("connected")
        return client

    def order(self, client, command, parameters=None, **more):
        client.emit("execute_voice_command", {"command": command, "parameters": parameters, **more})

    def response(self, client):
        """What comes until the next response, as types, and the response."""
        before = []
        while True:
            name, args = client.arrived.get(timeout=PATIENCE)
            if name == "voice_command_response":
                return before, args[0]
            before.append(args[0]["type"])

    def run_command(self, client, command, parameters=None, **more):
        self.order(client, command, parameters, **more)
        return self.response(client)[1]

    def test_s17_the_guide_s_end_to_end_test(self):
        client = self.flow(self.server())
        answer = self.run_command(client, "get_leads", {"limit": 5})
        self.assertEqual((answer["success"], answer["data"]["leads"]), (True, []))
        self.assertEqual(answer["tenant"], "demo1")

    def test_s18_a_lead_is_created_by_every_transport_and_the_tenant_hears(self):
        server = self.server()
        foreign = self.flow(server, TWO)
        for number, (_, transports, _) in enumerate(TRANSPORTS):
            one, two = self.flow(server, transports=transports), self.flow(server)
            self.order(one, "create_lead", JOHN)
            before, answer = self.response(one)
            told = [
                "VOICE_PROCESSING_STARTED",
                "LEAD_CREATED",
                "VOICE_COMMAND_EXECUTED",
                "VOICE_PROCESSING_COMPLETED",
            ]
            self.assertEqual(before, told)
            self.assertEqual(answer["data"]["lead"]["status"], "NEW")
            self.assertEqual([two.arrived.get(timeout=PATIENCE)[1][0]["type"] for _ in told], told)
            self.expect_silence(server, foreign, one, two)
            listed = self.run_command(one, "get_leads", {"limit": 5})
            self.assertEqual((listed["success"], listed["data"]["total"]), (True, number + 1))

    def test_s19_search_and_filters(self):
        client = self.flow(self.server())
        for lead in (JOHN, {**JOHN, "name": "Jane Roe", "email": "jane@example.com"}):
            self.run_command(client, "create_lead", lead)
        past = {"start": "2001-01-01T00:00:00Z", "end": "2001-12-31T00:00:00Z"}
        for command, parameters, total in [
            ("search_leads", {"query": "john", "status": "NEW"}, 1),
            ("search_leads", {"query": "EXAMPLE"}, 2),
            ("search_leads", {"query": "john", "date_range": past}, 0),
            ("get_leads", {"status": "CONTACTED"}, 0),
        ]:
            data = self.run_command(client, command, parameters)["data"]
            self.assertEqual((data["total"], len(data["leads"])), (total, total), (command, parameters))
        self.assertEqual(len(self.run_command(client, "get_leads", {"limit": 1})["data"]["leads"]), 1)

    def test_s20_all_six_commands_and_a_backup_target_that_is_broken(self):
        server = self.server()
        client = self.flow(server)
        for command, parameters in [
            ("get_leads", {}),
            ("create_lead", JOHN),
            ("search_leads", {"query": "john"}),
            ("get_metrics", {}),
            ("compliance_check", {}),
        ]:
            answer = self.run_command(client, command, parameters)
            self.assertTrue(answer["success"], answer)
        self.order(client, "start_backup", {})
        before, answer = self.response(client)
        self.assertTrue(answer["success"], answer)
        self.assertLess(before.index("SYNC_STARTED"), before.index("SYNC_COMPLETED"))

        client = self.flow(self.server(BACKUP_DIR="/dev/null/backups"))
        self.order(client, "start_backup", {})
        before, answer = self.response(client)
        self.assertEqual((answer["success"], answer["error"]), (False, "Backup failed"))
        self.assertIn("EXTERNAL_SERVICE_ERROR", before)

    def test_s21_to_s23_refusals_are_told_in_the_guide_s_words(self):
        server = self.server()
        client = self.flow(server)
        for command, parameters, more, error in [
            ("nope", {}, {}, "Unknown command"),
            ("create_lead", {"name": "x"}, {}, "Invalid parameters"),
            ("search_leads", {}, {}, "Invalid parameters"),
            ("get_leads", {"limit": "ten"}, {}, "Invalid parameters"),
            ("get_leads", [], {}, "Invalid parameters"),
            ("get_leads", {}, {"tenantId": "demo2"}, "Access denied"),
        ]:
            answer = self.run_command(client, command, parameters, **more)
            self.assertEqual((answer["success"], answer["error"]), (False, error))
            self.assertEqual(answer["tenant"], "demo1")
        # A number, `null`, and no payload at all.
        for payload in (42, (None,), None):
            client.emit("execute_voice_command", payload)
            answer = self.response(client)[1]
            self.assertEqual((answer["success"], answer["error"]), (False, "Invalid parameters"), payload)
        self.assertTrue(self.run_command(client, "get_leads")["success"])

    def test_s23_a_foreign_tenant_and_a_key_without_the_permission(self):
        home = tempfile.TemporaryDirectory(prefix="switchboard-tenants-")
        self.addCleanup(home.cleanup)
        reader = {"key": "reader", "active": True, "permissions": ["get_leads"]}
        tenants = [
            {"id": "demo1", "name": "One", "keys": [{"key": "k1", "active": True}, reader]},
            {"id": "demo2", "name": "Two", "keys": [{"key": "k2", "active": True}]},
        ]
        file = Path(home.name, "tenants.json")
        file.write_text(json.dumps(tenants))
        server = self.server(TENANTS_FILE=file)
        one, reader, two = [self.flow(server, key) for key in ("k1", "reader", "k2")]

        self.assertEqual(self.run_command(reader, "start_backup")["error"], "Access denied")
        self.assertTrue(self.run_command(reader, "get_leads")["success"])
        lead = self.run_command(two, "create_lead", JOHN)["data"]["leadId"]
        for client, total in ((one, 0), (two, 1)):
            for command, parameters in (("get_leads", {}), ("search_leads", {"query": "john"})):
                data = self.run_command(client, command, parameters)["data"]
                self.assertEqual((data["total"], len(data["leads"])), (total, total))
        for key, expected in (("k1", 404), ("k2", 200)):
            headers = {"x-tenant-key": key}
            status, answer = server.call("PATCH", f"/leads/{lead}", {"status": "CONTACTED"}, headers)
            self.assertEqual(status, expected, answer)
        self.assertEqual(two.next("lead_event")["type"], "LEAD_STATUS_CHANGED")

    def test_s24_fifty_at_once_are_answered_in_order(self):
        server = self.server()
        client, other = self.flow(server), self.flow(server, TWO)
        for number in range(50):
            self.order(client, "get_leads", {}, requestId=number)
        self.assertTrue(self.run_command(other, "get_leads")["success"])
        answers = [self.response(client)[1]["requestId"] for _ in range(50)]
        self.assertEqual(answers, list(range(50)))

    def test_a_repeat_by_callback_has_no_second_effect(self):
        server = self.server()
        client = self.flow(server)
        asked = {"command": "create_lead", "parameters": JOHN, "idempotencyKey": "k"}
        first, again = [client.ask("execute_voice_command", asked) for _ in range(2)]
        self.assertEqual((again["data"], again["replayed"]), (first["data"], True))
        total = client.ask("execute_voice_command", {"command": "get_leads"})["data"]["total"]
        self.assertEqual(total, 1)
