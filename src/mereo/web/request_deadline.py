"""RequestDeadline: an answer within its time, or 503; and one sentence where we have a bug.

What a request waits for is let go of: work that has not begun is dropped from its queue.
"""

import asyncio
import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mereo.web.problems import ClientGone, Problem, problem_of

LOG = logging.getLogger("mereo")


class RequestDeadline:
    def __init__(self, application: ASGIApp, *, seconds: float) -> None:
        self.application, self.seconds = application, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        has_started = False

        async def sent(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            async with asyncio.timeout(self.seconds):
                await self.application(scope, receive, sent)
        except TimeoutError:
            problem = Problem(
                503,
                f"an answer must be found within {self.seconds:g} s, but got none; ask again later, or send a smaller "
                "picture.",
                headers={"Retry-After": "5"},
            )
        except ClientGone:
            return
        except Exception as error:
            problem = problem_of(error)
            if problem.status == 500:
                LOG.error("%s %s", scope["method"], scope["path"], exc_info=error)
        else:
            return
        if not has_started:
            await problem.answer(scope, receive, send)
