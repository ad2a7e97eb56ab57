"""Plausible people: names, cities and dates in realistic proportions, the same ones for the same seed.

Values are drawn in blocks, which is ten times faster than one by one: a million people take some seconds.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import NamedTuple
from unicodedata import normalize

COLUMNS = ("id", "name", "email", "country", "city", "born", "joined")

Person = tuple[int, str, str, str, str, date | None, datetime]

BLOCK = 10_000
SILENT = 0.03
"""The share of people without a date of birth."""

_TODAY = date(2026, 1, 1)
_BIRTHDAYS = [_TODAY - timedelta(days=days) for days in range(96 * 365)]
_FIRST_DAY = datetime(2012, 1, 1, tzinfo=UTC)
_SECONDS = int((datetime(2026, 1, 1, tzinfo=UTC) - _FIRST_DAY).total_seconds())
_HOSTS = ("example.com", "example.org", "example.net")


class Land(NamedTuple):
    """A country: its share of people in thousandths, and the names of its people and cities."""

    code: str
    share: int
    given: str
    family: str
    cities: str


LANDS = (
    Land(
        "US", 180,
        "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph "
        "Jessica Thomas Sarah Christopher Karen Charles Lisa Daniel Nancy Matthew Betty Anthony Sandra Mark Ashley",
        "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson "
        "Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Young",
        "New York,Los Angeles,Chicago,Houston,Phoenix,Philadelphia,San Antonio,San Diego,Dallas,Austin",
    ),
    Land(
        "DE", 120,
        "Anna Ben Emma Paul Mia Leon Hannah Lukas Lena Finn Sophie Jonas Marie Elias Laura Felix Lea Noah Julia "
        "Maximilian Clara Jürgen Käthe Björn Sabine Wolfgang Petra Günther Heike Thomas",
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein "
        "Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Krause Meier Böhm",
        "Berlin,Hamburg,München,Köln,Frankfurt am Main,Stuttgart,Düsseldorf,Leipzig,Dortmund,Bremen",
    ),
    Land(
        "FR", 100,
        "Gabriel Léo Raphaël Louise Ambre Arthur Jade Louis Emma Jules Alice Adam Rose Maël Anna Lucas Chloé Hugo Léa "
        "Noé Camille Zoé François Élise Théo Inès Aurélie Benoît Océane Mathéo",
        "Martin Bernard Dubois Thomas Robert Richard Petit Durand Leroy Moreau Simon Laurent Lefebvre Michel Garcia "
        "David Bertrand Roux Vincent Fournier Morel Girard André Lefèvre Mercier Dupont Lambert Bonnet François Gérard",
        "Paris,Marseille,Lyon,Toulouse,Nice,Nantes,Montpellier,Strasbourg,Bordeaux,Lille",
    ),
    Land(
        "ES", 80,
        "Hugo Lucía Mateo Sofía Martín Martina Lucas María Leo Julia Daniel Paula Alejandro Valeria Manuel Emma Pablo "
        "Daniela Álvaro Carla Adrián Alba Enzo Noa Mario Sara Diego Carmen José Begoña",
        "García Rodríguez González Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández Díaz "
        "Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Gil Ramírez Serrano Núñez",
        "Madrid,Barcelona,Valencia,Sevilla,Zaragoza,Málaga,Murcia,Palma,Bilbao,Alicante",
    ),
    Land(
        "PL", 60,
        "Antoni Zuzanna Jan Zofia Aleksander Hanna Franciszek Maja Jakub Laura Leon Julia Mikołaj Oliwia Stanisław "
        "Pola Filip Alicja Szymon Lena Wojciech Maria Adam Małgorzata Łukasz Agnieszka Paweł Ewa Tomasz Iwona",
        "Nowak Kowalski Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski "
        "Kozłowski Mazur Jankowski Kwiatkowski Krawczyk Piotrowski Grabowski Pawłowski Michalski Król Wieczorek Wróbel",
        "Warszawa,Kraków,Wrocław,Łódź,Poznań,Gdańsk,Szczecin,Lublin,Bydgoszcz,Białystok",
    ),
    Land(
        "IN", 170,
        "Aarav Saanvi Vivaan Aanya Aditya Aadhya Vihaan Ananya Arjun Diya Sai Pari Reyansh Anika Krishna Navya Ishaan "
        "Myra Rohan Sara Karan Priya Rahul Neha Amit Pooja Suresh Lakshmi Ravi Meera",
        "Sharma Verma Gupta Singh Kumar Patel Reddy Rao Iyer Nair Menon Das Ghosh Banerjee Chatterjee Mukherjee Joshi "
        "Desai Shah Mehta Kapoor Malhotra Khanna Bhat Kulkarni Patil Naidu Pillai Yadav Mishra",
        "Mumbai,Delhi,Bengaluru,Hyderabad,Ahmedabad,Chennai,Kolkata,Pune,Jaipur,Lucknow",
    ),
    Land(
        "BR", 110,
        "Miguel Helena Arthur Alice Gael Laura Heitor Maria Theo Sofia Davi Valentina Gabriel Heloísa Bernardo Manuela "
        "Samuel Júlia João Cecília Pedro Luísa Lorenzo Isabela Antônio Beatriz Rafael Lívia Thiago Conceição",
        "Silva Santos Oliveira Souza Rodrigues Ferreira Alves Pereira Lima Gomes Costa Ribeiro Martins Carvalho "
        "Almeida Lopes Soares Fernandes Barbosa Rocha Dias Nascimento Andrade Moreira Nunes Marques Machado Araújo",
        "São Paulo,Rio de Janeiro,Brasília,Salvador,Fortaleza,Belo Horizonte,Manaus,Curitiba,Recife,Goiânia",
    ),
    Land(
        "JP", 80,
        "Haruto Himari Sota Hina Minato Yua Yuma Ichika Riku Akari Ren Sara Hiroto Yui Aoi Mei Haruki Rin Itsuki "
        "Sakura Kaito Mio Yamato Honoka Takumi Yuna Kenji Keiko Hiroshi Yoko",
        "Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Kato Yoshida Yamada Sasaki Yamaguchi "
        "Matsumoto Inoue Kimura Hayashi Shimizu Saito Mori Abe Ikeda Hashimoto Yamashita Ishikawa Nakajima Maeda",
        "Tokyo,Yokohama,Osaka,Nagoya,Sapporo,Fukuoka,Kobe,Kyoto,Saitama,Hiroshima",
    ),
    Land(
        "NG", 60,
        "Chinedu Ngozi Emeka Chioma Oluwaseun Folake Babatunde Yetunde Ibrahim Aisha Musa Fatima Tunde Bukola Obinna "
        "Adaeze Ifeanyi Amaka Uche Nneka Segun Funmi Kunle Bisi Yusuf Zainab Ahmed Halima Femi Titilayo",
        "Okafor Adeyemi Balogun Okonkwo Eze Bello Abubakar Ibrahim Ogunleye Adebayo Nwosu Chukwu Obi Lawal Mohammed "
        "Usman Ojo Olawale Afolabi Akinola Onyeka Nnamdi Danjuma Sani Garba Yakubu Oladipo Ogunbanjo Igwe Umeh",
        "Lagos,Kano,Ibadan,Abuja,Port Harcourt,Benin City,Kaduna,Enugu,Jos,Ilorin",
    ),
    Land(
        "SE", 40,
        "Alice Noah Maja William Vera Hugo Alma Lucas Selma Liam Elsa Oliver Lilly Oscar Astrid Elias Wilma Adam Saga "
        "Axel Freja Nils Olivia Åke Signe Göran Märta Björn Ingrid Sören",
        "Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Pettersson Jonsson "
        "Jansson Hansson Bengtsson Jönsson Lindberg Jakobsson Magnusson Lindström Lindqvist Lindgren Berg Åberg Öberg",
        "Stockholm,Göteborg,Malmö,Uppsala,Västerås,Örebro,Linköping,Helsingborg,Jönköping,Norrköping",
    ),
)  # fmt: skip


def people(count: int, seed: int = 2026) -> Iterator[Person]:
    """`count` people with ids from 1 on, as tuples in the order of `COLUMNS`."""
    dice = random.Random(seed)
    lands = [_Land(land) for land in LANDS]
    shares = list(accumulate(land.share for land in LANDS))
    for first in range(1, count + 1, BLOCK):
        size = min(BLOCK, count + 1 - first)
        births, arrivals, hosts = _births(dice, size), _arrivals(dice, size), dice.choices(_HOSTS, k=size)
        chosen = dice.choices(lands, cum_weights=shares, k=size)
        for id, land, born, joined, host in zip(
            range(first, first + size), chosen, births, arrivals, hosts, strict=True
        ):
            name, address = land.name(dice.random())
            yield id, name, f"{address}{id}@{host}", land.code, land.city(dice.random()), born, joined


class _Land:
    """A country with all its names in one list, so that one random number picks a name."""

    def __init__(self, land: Land) -> None:
        self.code = land.code
        self._names = [f"{given} {family}" for given in land.given.split() for family in land.family.split()]
        self._addresses = [_ascii(name) for name in self._names]
        self._cities = _weighted(land.cities.split(","))

    def name(self, throw: float) -> tuple[str, str]:
        """A name, and its form for an email address."""
        at = int(throw * len(self._names))
        return self._names[at], self._addresses[at]

    def city(self, throw: float) -> str:
        return self._cities[int(throw * len(self._cities))]


def _weighted(cities: list[str]) -> list[str]:
    """The first ones more often, because larger cities have more people."""
    return [city for at, city in enumerate(cities) for _ in range(len(cities) - at)]


def _ascii(name: str) -> str:
    folded = name.lower().replace("ł", "l").replace("ø", "o").replace("ß", "ss").replace(" ", ".")
    return normalize("NFKD", folded).encode("ascii", "ignore").decode()


def _births(dice: random.Random, size: int) -> list[date | None]:
    """Ages from 13 to 95, most around forty."""
    ages = [min(max(int(dice.gauss(15_000, 6_000)), 13 * 365), 95 * 365) for _ in range(size)]
    return [_BIRTHDAYS[age] if dice.random() >= SILENT else None for age in ages]


def _arrivals(dice: random.Random, size: int) -> list[datetime]:
    """More every year."""
    return [_FIRST_DAY + timedelta(seconds=int(_SECONDS * dice.random() ** 0.5)) for _ in range(size)]
