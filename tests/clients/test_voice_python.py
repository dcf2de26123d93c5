"""Guide 000's commands with python-socketio: S-17 to S-24 as another client plays them."""

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

    def test_s17_s18_a_lead_is_created_by_every_transport_and_the_tenant_hears(self):
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
            listed = self.run_command(one, "get_leads", {"limit": 5})
            self.assertEqual((listed["success"], listed["data"]["total"]), (True, number + 1))
        self.expect_silence(server, foreign)

    def test_s20_a_backup_is_told_from_beginning_to_end(self):
        server = self.server()
        client = self.flow(server)
        self.order(client, "start_backup")
        before, answer = self.response(client)
        self.assertTrue(answer["success"], answer)
        self.assertLess(before.index("SYNC_STARTED"), before.index("SYNC_COMPLETED"))

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
        self.assertTrue(self.run_command(client, "get_leads")["success"])

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
