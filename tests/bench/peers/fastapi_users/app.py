"""FastAPI Users as its documentation sets it up: SQLAlchemy on PostgreSQL, JWT tokens, the default password hash."""

import os
import uuid
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from sqlalchemy import text
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

SECRET = os.environ["SECRET"]
engine = create_async_engine(os.environ["DATABASE_URL"])
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


class UserRead(schemas.BaseUser[uuid.UUID]):
    pass


class UserCreate(schemas.BaseUserCreate):
    pass


async def get_user_db():
    async with sessions() as session:
        yield SQLAlchemyUserDatabase(session, User)


async def get_user_manager(user_db=Depends(get_user_db)):
    yield UserManager(user_db)


def get_strategy():
    return JWTStrategy(secret=SECRET, lifetime_seconds=3600)


@asynccontextmanager
async def lifespan(_):
    async with engine.begin() as connection:
        # One worker creates the tables; the others wait and find them.
        await connection.execute(text("select pg_advisory_xact_lock(1)"))
        await connection.run_sync(Base.metadata.create_all)
    yield


backend = AuthenticationBackend("jwt", BearerTransport(tokenUrl="auth/jwt/login"), get_strategy)
users = FastAPIUsers[User, uuid.UUID](get_user_manager, [backend])
app = FastAPI(lifespan=lifespan)
app.include_router(users.get_auth_router(backend), prefix="/auth/jwt")
app.include_router(users.get_register_router(UserRead, UserCreate), prefix="/auth")
me = users.current_user(active=True)


@app.get("/users/me", response_model=UserRead)
async def read_me(user: User = Depends(me)):
    return user


@app.get("/health")
async def health():
    return {"status": "ok"}
